#include "inference/gateway.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "inference/open_door.h"
#include "inference/quoted.h"
#include "inference/rates.h"
#include "inference/relay.h"
#include "inference/spending.h"
#include "metering/commitment.h"

namespace meridian::inference {
namespace {

constexpr std::size_t answer_max = 64 * 1024 * 1024;

std::string_view path_of(Operation operation) {
    switch (operation) {
        case Operation::chat:
            return "/chat/completions";
        case Operation::completion:
            return "/completions";
        case Operation::embedding:
            return "/embeddings";
    }
    return "";
}

metering::Kind kind_of(Operation operation) {
    switch (operation) {
        case Operation::chat:
            return metering::Kind::chat;
        case Operation::completion:
            return metering::Kind::completion;
        case Operation::embedding:
            return metering::Kind::embedding;
    }
    return metering::Kind::chat;
}

bool is_own(const Served& served, const identity::Caller& caller) {
    return !is_nobody(caller) && (!served.owner || caller.may_see(*served.owner));
}

bool visible(const Served& served, const identity::Caller& caller) { return served.auth_disabled || is_own(served, caller); }

// Who is charged: the caller, or the owner of what answers anybody.
identity::Owner payer(const Served& served, const identity::Caller& caller) {
    return is_own(served, caller) ? identity::Owner{caller.organization, caller.project} : *served.owner;
}

// Counts a request at its backend for as long as it lives.
class Place {
public:
    explicit Place(std::shared_ptr<BackendLoad> load) : load_(std::move(load)) { load_->running.fetch_add(1, std::memory_order_relaxed); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { load_->running.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::shared_ptr<BackendLoad> load_;
};

struct Choice {
    std::shared_ptr<const Served> served;
    const Backend* backend = nullptr;
};

// The least loaded backend of any visible deployment of the model, leaving out `failed`, the one that has just failed.
Choice choose(const std::vector<std::shared_ptr<const Served>>& candidates, const identity::Caller& caller, std::string_view peer,
              const Backend* failed) {
    Choice best;
    int least = 0;
    bool any_backend = false, is_kept_out = false;
    std::shared_ptr<const Served> waiting;
    for (const auto& served : candidates) {
        if (!visible(*served, caller)) continue;
        if (!allowed(peer, served->access)) {
            is_kept_out = true;
            continue;
        }
        waiting = served;
        for (const auto& backend : served->backends) {
            any_backend = true;
            const int running = backend.load->running.load(std::memory_order_relaxed);
            if (running >= backend.running_max || &backend == failed) continue;
            if (!best.backend || running < least) {
                best = {served, &backend};
                least = running;
            }
        }
    }
    if (best.backend) return best;
    if (!waiting && is_kept_out) throw Error(Fault::denied, "The access rules of this model do not let your address in.").about("acl", "");
    if (!waiting) return best;
    if (any_backend && !failed) {
        throw Error(Fault::busy, "Every replica of this model is full; try again shortly.")
            .with_code("rate_limit_exceeded")
            .after(std::chrono::seconds(1));
    }
    if (any_backend) return best;
    throw Error(Fault::unavailable,
                fmt::format("The model is deployed but not answering yet: {}. Try again shortly.", waiting->waiting_for))
        .with_code("model_not_ready")
        .after(std::chrono::seconds(2));
}

[[noreturn]] void unknown_model(const std::string& model) {
    throw Error(Fault::not_found,
                fmt::format("The model '{}' does not exist or is not deployed; GET /v1/models lists what is served.", model))
        .with_code("model_not_found")
        .about("model", model)
        .with({"model", FieldProblem::Reason::constraint, "not served"});
}

[[noreturn]] void failed(const http::ClientError& error) {
    throw Error(Fault::unavailable, "The model's runtime did not answer; try again.", error.said)
        .with_code("runtime_error")
        .after(std::chrono::seconds(1));
}

// One request on its way: everything that outlives a single attempt.
struct Job {
    http::Exchange& exchange;
    const Asked& asked;
    metering::Hold hold;
    Spending spending;
    Rates rates;
    metering::CommitmentKey key;
    std::optional<Sha256> input;
    std::shared_ptr<http::Cancel> cancel;

    // What the receipt says of what went in and came out.
    void commit(metering::Commitment& output) { hold.commit({input, output.finish()}); }
    void add_headers(http::Headers& headers) const {
        headers.add("X-Meridian-Receipt", hold.id().str());
        headers.add("X-Meridian-Commitment-Key", key.text());
        rates.add_headers(headers);
    }
};

// over: the run is settled; gone: it is not, and the client has left; again: nothing was sent yet, and the backend failed.
enum class Attempt { over, gone, again };

http::Outgoing outgoing(const Asked& asked, const Backend& backend) {
    http::Outgoing out;
    out.method = "POST";
    out.path = backend.path_prefix + std::string(path_of(asked.operation));
    out.headers.add("Content-Type", "application/json");
    if (!backend.bearer.empty()) out.headers.add("Authorization", "Bearer " + backend.bearer);
    out.body = body_for(asked, backend);
    out.fresh_connection = asked.stream && backend.fresh_for_streams;
    return out;
}

bool asks_durable(const http::Request& request) {
    const auto value = request.headers.get("x-meridian-durable");
    return !value.empty() && value != "0" && value != "false";
}

struct Body {
    std::string bytes;
    std::optional<http::ClientError> broken;
};

Task<Body> read_all(http::Incoming& incoming) {
    Body out;
    for (;;) {
        auto piece = co_await incoming.read();
        if (!piece) {
            out.broken = std::move(piece.error());
            co_return out;
        }
        if (piece->empty()) co_return out;
        if (out.bytes.size() + piece->size() > answer_max) {
            out.broken = http::ClientError{http::ClientError::Kind::too_large, "the answer is too large", false};
            co_return out;
        }
        out.bytes += *piece;
    }
}

// How a run ends is decided before its last write, since the receipt is written before that. It is finished when its work was done and
// the client was not known to have gone; a connection that breaks in the very last write makes no other receipt, for nobody can say how
// much of an answer that the kernel took has arrived.
Task<Attempt> answer_whole(Job& job, metering::Meter& meter, http::Incoming& incoming) {
    auto body = co_await read_all(incoming);
    if (body.broken) co_return body.broken->kind == http::ClientError::Kind::cancelled ? Attempt::gone : Attempt::again;
    if (incoming.status() == 503) co_return Attempt::again;
    if (incoming.status() != 200) throw error_from(incoming.status(), body.bytes);
    http::Response response;
    response.headers.add("Content-Type", "application/json");
    job.add_headers(response.headers);
    auto answer = whole_answer(job.asked, answer_id(job.asked.operation, job.hold.id()), body.bytes);
    if (!answer)
        throw Error(Fault::unavailable, "The model's runtime sent a broken answer; try again.", answer.error().said)
            .with_code("runtime_error");
    const bool is_wanted = !job.exchange.gone();
    auto output = metering::Commitment::to_output(job.key);
    job.commit(output.add(answer->body));
    const auto receipt =
        meter.settle(std::move(job.hold), answer->usage, is_wanted ? metering::Outcome::finished : metering::Outcome::cancelled);
    job.rates.correct(answer->usage);
    if (!is_wanted) co_return Attempt::over;
    if (asks_durable(job.exchange.request())) co_await meter.durable();
    response.headers.add("X-Meridian-Cost", receipt.cost.str());
    response.body = std::move(answer->body);
    co_await job.exchange.answer(std::move(response));
    co_return Attempt::over;
}

// Relays until the end; returns how the stream ended. What was not sent yet is in `out` then.
Task<metering::Outcome> relay_stream(Job& job, metering::Meter& meter, http::Incoming& incoming, StreamRelay& relay,
                                     metering::Commitment& output, std::string& out) {
    for (;;) {
        if (!out.empty()) {
            output.add(out);
            if (!co_await job.exchange.write(out)) co_return metering::Outcome::cancelled;
            out.clear();
        }
        job.hold.note(relay.usage());
        if (relay.failure()) co_return metering::Outcome::failed;
        if (relay.finished()) co_return job.exchange.gone() ? metering::Outcome::cancelled : metering::Outcome::finished;
        if (const auto no = co_await job.spending.before_more(meter, job.hold, relay.usage().output_tokens)) {
            out = relay.cut_short(*no);
            output.add(out);
            job.cancel->fire();
            co_return metering::Outcome::finished;
        }
        const bool was_held = relay.is_held();
        relay.allow(job.spending.reaches(job.hold));
        if (was_held) {
            if (!relay.feed({}, out)) co_return metering::Outcome::failed;
            continue;
        }
        auto piece = co_await incoming.read();
        if (!piece) co_return job.exchange.gone() ? metering::Outcome::cancelled : metering::Outcome::failed;
        if (piece->empty()) co_return metering::Outcome::failed;  // the backend ended without saying so
        if (!relay.feed(*piece, out)) co_return metering::Outcome::failed;
    }
}

Task<Attempt> answer_stream(Job& job, metering::Meter& meter, http::Incoming& incoming, const Backend& backend) {
    if (incoming.status() != 200) {
        auto body = co_await read_all(incoming);
        if (body.broken) co_return body.broken->kind == http::ClientError::Kind::cancelled ? Attempt::gone : Attempt::again;
        if (incoming.status() == 503) co_return Attempt::again;
        throw error_from(incoming.status(), body.bytes);
    }
    StreamRelay relay(job.asked, backend.model, answer_id(job.asked.operation, job.hold.id()));
    relay.allow(job.spending.reaches(job.hold));
    std::string out;
    // Nothing is sent before the first piece is here, so that a dying backend still allows one clean retry.
    while (out.empty() && !relay.finished()) {
        auto piece = co_await incoming.read();
        if (!piece) co_return piece.error().kind == http::ClientError::Kind::cancelled ? Attempt::gone : Attempt::again;
        if (piece->empty() || !relay.feed(*piece, out)) co_return Attempt::again;
    }
    if (relay.failure() && out.empty()) throw Error(*relay.failure());
    http::Headers headers{{"Content-Type", "text/event-stream; charset=utf-8"}, {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
    job.add_headers(headers);
    co_await job.exchange.begin(200, std::move(headers));
    auto output = metering::Commitment::to_output(job.key);
    const auto outcome = co_await relay_stream(job, meter, incoming, relay, output, out);
    job.commit(output);
    const auto receipt = meter.settle(std::move(job.hold), relay.usage(), outcome);
    job.rates.correct(relay.usage());
    if (outcome == metering::Outcome::cancelled) co_return Attempt::over;
    if (outcome == metering::Outcome::failed) {
        const auto error =
            relay.failure()
                ? *relay.failure()
                : Error(Fault::unavailable, "The model's runtime ended in the middle of the answer.").with_code("runtime_error");
        co_await job.exchange.write(out + error_event(error, job.exchange.request().id));
    } else {
        if (asks_durable(job.exchange.request())) co_await meter.durable();
        co_await job.exchange.write(out + relay.last_words(receipt) + "data: [DONE]\n\n");
    }
    co_await job.exchange.end();
    co_return Attempt::over;
}

}  // namespace

Gateway::Gateway(const Serving& serving, metering::Meter& meter, Rng& rng, ClientHere client, const metering::Prices* prices,
                 metering::Quotes* quotes)
    : serving_(serving), meter_(meter), rng_(rng), client_(std::move(client)), prices_(prices), quotes_(quotes) {}

metering::Price Gateway::price_of(const Served& served) const {
    if (served.is_by_the_hour) return {};
    return prices_ ? prices_->now(served.model, served.price) : served.price;
}

std::vector<std::shared_ptr<const Served>> Gateway::visible_to(const identity::Caller& caller) const {
    std::vector<std::shared_ptr<const Served>> out;
    const auto table = serving_.current();
    for (const auto& [model, all] : table->by_model) {
        const auto it = std::ranges::find_if(all, [&](const auto& served) { return visible(*served, caller); });
        if (it != all.end()) out.push_back(*it);
    }
    std::ranges::sort(out, {}, [](const auto& served) { return served->model; });
    return out;
}

Task<> Gateway::run(http::Exchange& exchange, Operation operation) {
    const auto& caller = identity::caller_of(exchange);
    Asked asked = read_request(operation, exchange.request().body);
    const auto table = serving_.current();
    const auto found = table->by_model.find(asked.model);
    const auto& peer = exchange.request().peer;
    Choice choice = found == table->by_model.end() ? Choice{} : choose(found->second, caller, peer, nullptr);
    if (!choice.backend && is_nobody(caller)) needs_key();
    if (!choice.backend) unknown_model(asked.model);
    check_against(asked, *choice.served);

    Rates rates(limiter_, clock_, caller, asked);
    const auto paid_by = payer(*choice.served, caller);
    metering::RunStart start{.kind = kind_of(operation),
                             .organization = paid_by.organization,
                             .project = paid_by.project,
                             .principal = caller.principal,
                             .api_key = caller.access_key,
                             .model = asked.model,
                             .model_digest = choice.served->digest,
                             .deployment = choice.served->deployment,
                             .node = choice.backend->node,
                             .price = price_of(*choice.served),
                             .policy = caller.policy};
    auto quote = quoted(quotes_, exchange.request(), asked, paid_by.project);
    if (quote) hold_to(start, *quote);
    Spending spending(asked, *choice.served, start.price);
    start.first_slice = spending.first();
    Job job{exchange,
            asked,
            co_await meter_.begin(std::move(start)),
            std::move(spending),
            std::move(rates),
            metering::CommitmentKey::make(rng_),
            {},
            std::make_shared<http::Cancel>()};
    if (quote) quote->began();
    job.input = metering::Commitment::to_input(job.key).add(exchange.request().body).finish();
    job.hold.commit({job.input, std::nullopt});
    if (!asked.stream) asked.output_limit = co_await job.spending.limit_whole(meter_, job.hold);
    exchange.on_hangup([cancel = job.cancel] { cancel->fire(); });
    auto& client = client_(co_await asio::this_coro::executor);

    for (int attempt = 0;; ++attempt) {
        const Place place(choice.backend->load);
        auto sent = co_await client.send(choice.backend->target, outgoing(asked, *choice.backend), job.cancel);
        auto ended = Attempt::again;
        if (sent) {
            ended =
                asked.stream ? co_await answer_stream(job, meter_, **sent, *choice.backend) : co_await answer_whole(job, meter_, **sent);
        } else if (sent.error().kind == http::ClientError::Kind::cancelled) {
            ended = Attempt::gone;
        }
        if (ended == Attempt::over) co_return;
        if (ended == Attempt::gone) {
            // An answer that never began cost nothing we know of.
            meter_.settle(std::move(job.hold), {}, metering::Outcome::cancelled);
            co_return;
        }
        if (attempt == 1 && sent && (*sent)->status() == 503) throw error_from(503, {});
        if (attempt == 1)
            failed(sent ? http::ClientError{http::ClientError::Kind::closed, "the backend ended before its answer", true} : sent.error());
        log::warn("inference", "run {}: backend on {} failed before anything was sent, trying once more", job.hold.id().str(),
                  choice.backend->node);
        if (const auto other = choose(found->second, caller, peer, choice.backend); other.backend) {
            choice = other;
            job.hold.note_node(choice.backend->node);
        }
    }
}

}  // namespace meridian::inference
