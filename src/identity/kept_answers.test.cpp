#include "identity/kept_answers.h"

#include "base/sim/world.h"
#include "http/exchange.test.h"
#include "identity/house.test.h"

namespace meridian::identity {
namespace {

// The house's door, with a memory.
struct RememberingDoor final : http::Authorizer, http::Repeats {
    RememberingDoor(http::Authorizer& inner, http::Repeats& answers) : inner_(inner), answers_(answers) {}
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& may) override {
        return inner_.authorize(request, may);
    }
    [[nodiscard]] bool keeps(const http::Permission& may) const override { return answers_.keeps(may); }
    Task<std::optional<http::Response>> begin(Asked asked) override { return answers_.begin(std::move(asked)); }
    Task<> end(Asked asked, Outcome outcome, http::Response answer) override {
        if (is_deaf) return nothing();  // as a process that ended in between
        return answers_.end(std::move(asked), outcome, std::move(answer));
    }
    static Task<> nothing() { co_return; }
    bool is_deaf = false;

private:
    http::Authorizer& inner_;
    http::Repeats& answers_;
};

struct KeptAnswersTest : test::House {
    keys::SealingKey sealing = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    std::optional<KeptAnswers> answers{std::in_place, *store, world.clock(), world.rng(), sealing};
    RememberingDoor door{identity.authorizer(), *answers};
    http::Router remembering{door};

    void SetUp() override {
        House::SetUp();
        add_routes(remembering, identity);
    }

    http::Response post(const std::string& key, const std::string& path, const std::string& body) {
        http::test::WholeExchange exchange("POST", path, body);
        exchange.asked.headers.add("X-Auth-Token", secret);
        exchange.asked.headers.add("Idempotency-Key", key);
        exchange.asked.peer = "192.0.2.7:4711";
        world.run(remembering.handle(exchange));
        return exchange.answered.value();
    }
    std::int64_t projects() {
        return store->read_now([](store::Tx& tx) { return tx.query("select count(*) as n from projects").front().get<std::int64_t>("n"); });
    }
    static constexpr auto all_projects = "/account/v3/projects";
};

TEST_F(KeptAnswersTest, AreOfChangesAlone) {
    for (const auto* action : {"create", "update", "remove", "invoke", "admin"}) EXPECT_TRUE(door.keeps({action, "anything"})) << action;
    for (const auto* action : {"read", "access", "encrypt", "decrypt", "sign"}) EXPECT_FALSE(door.keeps({action, "anything"})) << action;
}

TEST_F(KeptAnswersTest, WhatIsSentAgainIsDoneOnceAndAnsweredTheSame) {
    const auto first = post("one", all_projects, R"({"name":"lab"})");
    const auto second = post("one", all_projects, R"({"name":"lab"})");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(first.body, second.body);
    EXPECT_FALSE(first.headers.has("Idempotency-Replayed"));
    EXPECT_EQ(second.headers.get("Idempotency-Replayed"), "true");
    EXPECT_EQ(second.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(projects(), 2);
    EXPECT_EQ(post("two", all_projects, R"({"name":"lab 2"})").status, 200) << "another key is another request";
}

TEST_F(KeptAnswersTest, TheSameKeyForAnotherRequestIsRefused) {
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").status, 200);
    for (const auto& [path, body] : {std::pair(all_projects, R"({"name":"other"})"), {"/iam/v1alpha1/groups", R"({"name":"lab"})"}}) {
        const auto answer = post("one", path, body);
        EXPECT_EQ(answer.status, 400);
        EXPECT_NE(answer.body.find("invalid_arguments"), std::string::npos) << answer.body;
        EXPECT_NE(answer.body.find("Idempotency-Key"), std::string::npos) << answer.body;
    }
    EXPECT_EQ(post(std::string(256, 'x'), all_projects, R"({"name":"long"})").status, 400);
    EXPECT_EQ(projects(), 2);
}

TEST_F(KeptAnswersTest, WhatWasRefusedMayBeAskedAgain) {
    EXPECT_EQ(post("one", all_projects, R"({"name":"default"})").status, 409);
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").status, 200);
}

TEST_F(KeptAnswersTest, AnotherPrincipalHasKeysOfItsOwn) {
    const auto app = made("applications", {{"name", "app"}});
    made("policies", {{"name", "app"},
                      {"application_id", app},
                      {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{"ProjectManager"}},
                                                     {"organization_id", first.organization.str()}}}}});
    const auto theirs = ask("POST", "/iam/v1alpha1/api-keys", to_text(JsonObject{{"application_id", app}})).text("secret_key");
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").status, 200);
    secret = theirs;
    EXPECT_EQ(post("one", all_projects, R"({"name":"theirs"})").status, 200);
    EXPECT_EQ(projects(), 3);
}

TEST_F(KeptAnswersTest, ASecretIsShownAgainToWhomItWasMadeForAndIsNotInTheRows) {
    const auto first = post("key", "/iam/v1alpha1/api-keys", R"({"description":"d"})");
    EXPECT_EQ(post("key", "/iam/v1alpha1/api-keys", R"({"description":"d"})").body, first.body);
    const std::string shown(view(parse_json(first.body).value().at("secret_key").as_string()));
    store->read_now([&](store::Tx& tx) {
        const auto kept = tx.query("select answer from idempotent_requests").front().get<store::Blob>("answer").bytes;
        EXPECT_EQ(kept.find(shown), std::string::npos);
    });
}

TEST_F(KeptAnswersTest, ItHoldsAfterARestartAndForADay) {
    const auto first = post("one", all_projects, R"({"name":"lab"})");
    KeptAnswers later(*store, world.clock(), world.rng(), sealing);
    const http::Repeats::Asked asked{std::make_shared<Caller>(everything({}, {}, {})), "one", {}};
    EXPECT_FALSE(world.run(later.begin(asked))) << "of nobody who asked before";
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").body, first.body);
    world.run_for(std::chrono::hours(25));
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").status, 409) << "forgotten: the name is taken now";
}

TEST_F(KeptAnswersTest, WhatAProcessDidThatEndedMeanwhileIsNotDoneAgain) {
    door.is_deaf = true;
    EXPECT_EQ(post("one", all_projects, R"({"name":"lab"})").status, 200);
    answers.emplace(*store, world.clock(), world.rng(), sealing);  // the next process
    door.is_deaf = false;
    const auto again = post("one", all_projects, R"({"name":"lab"})");
    EXPECT_EQ(again.status, 412) << again.body;
    EXPECT_EQ(projects(), 2);
}

TEST_F(KeptAnswersTest, ASecondOneMeanwhileIsToldToWait) {
    const http::Repeats::Asked asked{std::make_shared<Caller>(everything({}, {}, {})), "one", {}};
    EXPECT_FALSE(world.run(answers->begin(asked)));
    try {
        world.run(answers->begin(asked));
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::conflict);
        EXPECT_EQ(e.state, "running");
    }
    world.run(answers->end(asked, http::Repeats::Outcome::refused, {}));
    EXPECT_FALSE(world.run(answers->begin(asked))) << "it may be tried again";
    world.run(answers->end(asked, http::Repeats::Outcome::unknown, {}));
    EXPECT_THROW(world.run(answers->begin(asked)), Error) << "nobody knows what came of it";
}

}  // namespace
}  // namespace meridian::identity
