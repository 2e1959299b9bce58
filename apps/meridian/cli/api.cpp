#include "cli/api.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "base/real/real.h"
#include "http/client.h"
#include "http/sse.h"

namespace meridian::cli {
namespace {

constexpr std::size_t answer_max = 256 << 20;

std::string text_of(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::string(view(*text)) : std::string();
}

// The sentence of an error answer, whichever dialect it came in.
std::string sentence(std::string_view body) {
    const auto parsed = parse_json(body);
    if (!parsed) return std::string(body.substr(0, 300));
    for (const char* key : {"detail", "message", "title"}) {
        if (const auto text = text_of(*parsed, key); !text.empty()) return text;
    }
    if (const auto* error = member(*parsed, "error")) return text_of(*error, "message");
    return std::string(body.substr(0, 300));
}

[[noreturn]] void fail(int status, std::string_view body) {
    Failure failure{failed, sentence(body), ""};
    if (status == 404) failure.exit = not_found;
    if (status == 401 || status == 403) {
        failure.exit = refused;
        failure.hint = "check MERIDIAN_SECRET_KEY, or make a key on the server's host with: meridian keys create";
    }
    throw Failure(failure);
}

}  // namespace

struct Api::State {
    Connection to;
    http::Url base;
    real::WallClock clock;
    real::SocketNetwork network;
    real::Loops loops{1};
    std::optional<http::Client> client;

    http::Outgoing request(std::string method, const std::string& path, const Json* body) const {
        http::Outgoing out;
        out.method = std::move(method);
        std::string prefix = base.path;
        while (prefix.ends_with('/')) prefix.pop_back();
        out.path = prefix + path;
        if (!to.secret.empty()) out.headers.add("X-Auth-Token", to.secret);
        if (!to.secret.empty()) out.headers.add("Authorization", "Bearer " + to.secret);
        if (body) {
            out.headers.add("Content-Type", "application/json");
            out.body = to_text(*body);
        }
        return out;
    }

    [[noreturn]] void unreachable_now(const std::string& said) const {
        throw Failure{unreachable, fmt::format("Meridian does not answer at {}: {}", to.url, said),
                      "start it with: meridian up   (or set MERIDIAN_URL)"};
    }

    static Task<> fetch(State* self, http::Outgoing request, http::ClientResult<http::Response>* out) {
        *out = co_await self->client->fetch(self->base.target, std::move(request), answer_max);
    }

    http::Response exchange(std::string method, const std::string& path, const Json* body, const std::string& quote = {}) {
        http::ClientResult<http::Response> answer;
        auto outgoing = request(std::move(method), path, body);
        if (!quote.empty()) outgoing.headers.add("X-Meridian-Quote", quote);
        loops.wait(loops.executor(0), fetch(this, std::move(outgoing), &answer));
        if (!answer) unreachable_now(answer.error().said);
        if (answer->status < 200 || answer->status > 299) fail(answer->status, answer->body);
        return std::move(*answer);
    }

    Json json(std::string method, const std::string& path, const Json* body, const std::string& quote = {}) {
        const auto answer = exchange(std::move(method), path, body, quote);
        if (answer.body.empty()) return nullptr;
        auto parsed = parse_json(answer.body);
        if (!parsed) throw Failure{failed, "The server's answer is not JSON: " + parsed.error().said, "is MERIDIAN_URL a Meridian?"};
        return std::move(*parsed);
    }
};

Api::Api(Connection to) : state_(std::make_unique<State>()) {
    const auto url = http::parse_url(to.url);
    if (!url) throw Failure{usage, fmt::format("'{}' is not a URL.", to.url), "MERIDIAN_URL looks like http://127.0.0.1:8080"};
    state_->base = *url;
    // The person named this address; the egress guard is for what the server reaches.
    boost::system::error_code bad;
    const auto ip = asio::ip::make_address(url->target.host == "localhost" ? "127.0.0.1" : url->target.host, bad);
    if (!bad) state_->base.target.local = Address{ip, url->target.port, {}};
    state_->to = std::move(to);
    state_->client.emplace(state_->network, state_->clock, state_->loops.executor(0), http::EgressPolicy({url->target.host}));
    state_->loops.start();
}

Api::~Api() = default;

const Connection& Api::to() const { return state_->to; }
Json Api::get(const std::string& path) { return state_->json("GET", path, nullptr); }
Json Api::post(const std::string& path, const Json& body, const std::string& quote) { return state_->json("POST", path, &body, quote); }
Json Api::patch(const std::string& path, const Json& body) { return state_->json("PATCH", path, &body); }
Json Api::del(const std::string& path) { return state_->json("DELETE", path, nullptr); }
std::string Api::text(const std::string& path) { return state_->exchange("GET", path, nullptr).body; }

namespace {

struct StreamJob {
    http::Client* client;
    http::Target target;
    http::Outgoing request;
    const std::function<void(std::string_view)>* event;
    const std::function<void(std::string_view)>* header;
    int status = 0;
    std::string error;      // body of an error answer
    std::string transport;  // what went wrong on the way
};

Task<> run_stream(StreamJob* job) {
    auto sent = co_await job->client->send(job->target, job->request);
    if (!sent) {
        job->transport = sent.error().said;
        co_return;
    }
    auto& incoming = **sent;
    job->status = incoming.status();
    (*job->header)(incoming.headers().get("X-Meridian-Receipt"));
    http::SseCutter cutter;
    for (;;) {
        auto piece = co_await incoming.read();
        if (!piece) {
            job->transport = piece.error().said;
            co_return;
        }
        if (piece->empty()) co_return;
        if (job->status != 200) {
            job->error += *piece;
            continue;
        }
        if (!cutter.feed(*piece)) co_return;
        http::SseCutter::Event event;
        while (cutter.next(event)) {
            if (!event.data.empty()) (*job->event)(event.data);
        }
    }
}

}  // namespace

void Api::stream(const std::string& path, const Json& body, const std::function<void(std::string_view)>& event,
                 const std::function<void(std::string_view)>& header) {
    StreamJob job{&*state_->client, state_->base.target, state_->request("POST", path, &body), &event, &header, 0, {}, {}};
    state_->loops.wait(state_->loops.executor(0), run_stream(&job));
    if (job.status == 0) state_->unreachable_now(job.transport);
    if (job.status != 200) fail(job.status, job.error);
    if (!job.transport.empty()) throw Failure{failed, "The answer broke off: " + job.transport, "try again"};
}

Connection connection(const std::string& data) {
    Connection out;
    real::PosixDisk disk;
    if (const auto file = disk.read_file(data + "/cli.json")) {
        if (const auto json = parse_json(*file)) {
            out.url = text_of(*json, "url");
            out.secret = text_of(*json, "secret_key");
            out.access_key = text_of(*json, "access_key");
            out.project = text_of(*json, "project_id");
            out.organization = text_of(*json, "organization_id");
            out.region = text_of(*json, "region");
        }
    }
    if (const char* url = std::getenv("MERIDIAN_URL")) out.url = url;
    if (const char* key = std::getenv("MERIDIAN_SECRET_KEY")) out.secret = key;
    if (out.url.empty()) out.url = "http://127.0.0.1:8080";
    if (out.region.empty()) out.region = "fr-par";
    return out;
}

}  // namespace meridian::cli
