// An installation's identity behind its router, for tests of routes.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/json.h"
#include "base/sim/world.h"
#include "http/exchange.test.h"
#include "http/route.h"
#include "identity/sessions.h"
#include "keys/keys.h"

namespace meridian::identity::test {

struct Answer {
    int status = 0;
    Json body;
    [[nodiscard]] std::string text(std::string_view key) const {
        const auto* found = text_member(body, key);
        return found == nullptr ? "?" : std::string(view(*found));
    }
    [[nodiscard]] std::size_t count(std::string_view key) const { return body.at(key).as_array().size(); }
    [[nodiscard]] std::int64_t total() const { return body.at("total_count").to_number<std::int64_t>(); }
};

struct House : testing::Test {
    sim::World world{3};
    std::unique_ptr<store::Store> store = [this] {
        auto opened = store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"});
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }();
    Identity identity{*store, world.clock(), world.rng()};
    Bootstrap first = identity.bootstrap();
    http::Router router{identity.authorizer()};
    keys::SigningKey signing = keys::SigningKey::generate(world.rng());
    std::string secret = first.first_key->secret;

    void SetUp() override {
        sign_with(identity, signing);
        add_routes(router, identity);
    }

    Answer ask(std::string method, const std::string& target, std::string body = "") {
        http::test::WholeExchange exchange(std::move(method), target, std::move(body));
        if (!secret.empty()) exchange.asked.headers.add("X-Auth-Token", secret);
        exchange.asked.peer = "192.0.2.7:4711";
        world.run(router.handle(exchange));
        const http::Response& response = exchange.answered.value();
        Answer answer{response.status, nullptr};
        if (response.body.empty()) return answer;
        EXPECT_TRUE(response.headers.get("Content-Type") == "application/json" ||
                    response.headers.get("Content-Type") == "application/problem+json");
        answer.body = parse_json(response.body).value();
        return answer;
    }
    // The id of what was made.
    std::string made(const std::string& path, const JsonObject& body) {
        const auto answer = ask("POST", "/iam/v1alpha1/" + path, to_text(body));
        EXPECT_EQ(answer.status, 200) << path << ' ' << to_text(answer.body);
        return answer.text("id");
    }
};

}  // namespace meridian::identity::test
