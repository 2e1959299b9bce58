// For the gateway's tests: the real gateway, client and meter in a simulated world, and backends that follow a script.
#pragma once
#include <fmt/format.h>

#include "http/client.test.h"
#include "inference/exchange.test.h"
#include "inference/gateway.h"
#include "metering/testing.h"

namespace meridian::inference::test {

using namespace std::chrono_literals;
using http::test::pauses;
using http::test::reads;
using http::test::says;
using http::test::Script;
using http::test::Site;
using http::test::waits_for_close;
using metering::Outcome;

inline std::string event(std::string_view data) { return fmt::format("data: {}\n\n", data); }
inline std::string text_chunk(std::string_view text, std::string_view model = "inner", std::string_view id = "c") {
    return event(fmt::format(R"({{"choices":[{{"index":0,"delta":{{"content":"{}"}}}}],"id":"{}","model":"{}"}})", text, id, model));
}
// As the caller of `what` gets it.
inline std::string told_chunk(const FakeExchange& what, std::string_view text) {
    return text_chunk(text, "talk", "chatcmpl-" + std::string(what.headers.get("X-Meridian-Receipt")));
}
// The last words to the caller of `what`, of a run that cost so much.
inline std::string told_end(const FakeExchange& what, std::string_view cost = "0.0000021") {
    return fmt::format(
        ": meridian {{\"receipt\":\"{}\",\"cost\":\"{}\",\"currency\":\"EUR\",\"energy_millijoules\":null,\"zone\":\"fr-par-1\","
        "\"jurisdiction\":\"undeclared\"}}\n\ndata: [DONE]\n\n",
        what.headers.get("X-Meridian-Receipt"), cost);
}
inline const std::string usage_event =
    event(R"({"choices":[],"id":"c","model":"inner","usage":{"prompt_tokens":7,"completion_tokens":3},"timings":{}})");
inline const std::string done = event("[DONE]");
inline const std::string good_body =
    R"({"id":"x","model":"inner","choices":[{"message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":7,"completion_tokens":3}})";

inline const std::string stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
inline const std::string stream_end = "0\r\n\r\n";
inline std::string piece(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }
inline std::string answer_text(int status, std::string_view body) {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}
inline Script answers(int status, std::string_view body) { return {reads(), says(answer_text(status, body))}; }
inline Script streams(const std::vector<std::string>& pieces) {
    Script script{reads(), says(stream_head)};
    for (const auto& each : pieces) script.push_back(says(piece(each)));
    script.push_back(says(stream_end));
    return script;
}
inline Script dies() { return {reads()}; }

inline const std::string ask = R"({"model":"talk","messages":[{"role":"user","content":"hi"}]})";
inline const std::string ask_stream = R"({"model":"talk","messages":[{"role":"user","content":"hi"}],"stream":true})";

class GatewayTest : public testing::Test {
protected:
    GatewayTest() { world.network().set_latency(1ms); }
    ~GatewayTest() override {
        client.close();
        for (auto& listener : listeners) listener->close();
        group.cancel();
        world.run(group.join());
    }

    Site& site(std::string_view at, std::vector<Script> scripts) {
        listeners.push_back(world.network().listen(world.executor(), *Address::parse(at)).value());
        auto& made = *sites.emplace_back(std::make_unique<Site>());
        made.scripts = std::move(scripts);
        group.spawn("site", http::test::accept_all(*listeners.back(), group, world.clock(), made));
        return made;
    }
    static Backend backend(std::string node, std::string_view at) {
        return {.node = node,
                .target = {.tls = false, .host = "replica", .port = 80, .local = Address::parse(at)},
                .path_prefix = "/v1",
                .bearer = "secret-of-" + node,
                .model = "inner",
                .running_max = 4,
                .fresh_for_streams = true,
                .reports_progress = false,
                .load = std::make_shared<BackendLoad>()};
    }
    std::shared_ptr<Served> served(std::string model, std::vector<Backend> backends) {
        auto made = std::make_shared<Served>();
        made->deployment = *DeploymentId::parse("44444444-4444-4444-8444-444444444444");
        made->model = std::move(model);
        made->digest = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
        made->capabilities = {catalog::Capability::chat, catalog::Capability::completion, catalog::Capability::embedding};
        made->price = {*Money::parse("0.15"), *Money::parse("0.35")};
        made->backends = std::move(backends);
        return made;
    }
    void publish(std::vector<std::shared_ptr<Served>> all) {
        auto table = std::make_shared<ServingTable>();
        for (auto& each : all) table->by_model[each->model].push_back(each);
        serving.publish(std::move(table));
    }
    std::unique_ptr<FakeExchange> exchange(std::string body) {
        auto made = std::make_unique<FakeExchange>(std::move(body));
        made->caller = std::make_shared<identity::Caller>(caller);
        return made;
    }
    std::optional<Error> run(FakeExchange& what) {
        try {
            world.run(gateway.chat(what));
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    }
    // Under way in the background.
    void start(FakeExchange& what) { group.spawn("chat", gateway.chat(what)); }
    std::vector<metering::Receipt> receipts() {
        return running->meter->list({.projects = {}, .organization = caller.organization, .limit = 100'000, .before_index = {}});
    }
    metering::Receipt only_receipt() {
        const auto all = receipts();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? metering::Receipt{} : all.front();
    }
    Duration timed(std::optional<Error>& error, FakeExchange& what) {
        const auto before = world.clock().steady();
        error = run(what);
        return world.clock().steady() - before;
    }

    metering::testing::Bench bench{3};
    sim::World& world = bench.world;
    std::unique_ptr<metering::testing::Running> running = bench.open();
    http::Client client{world.network(), world.clock(), world.executor(), {}};
    TaskGroup group{world.executor()};
    std::vector<std::unique_ptr<Site>> sites;
    std::vector<std::unique_ptr<Listener>> listeners;
    identity::Caller caller = caller_of(metering::testing::organization, metering::testing::project);
    Serving serving;
    Gateway gateway{serving, *running->meter, world.rng(), [this](const Executor&) -> http::Client& { return client; }};
};

}  // namespace meridian::inference::test
