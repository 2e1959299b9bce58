// Deployments that need no key: who is let through, what they see, and who pays.
#include "inference/open_door.h"

#include <gmock/gmock.h>

#include "inference/gateway.test.h"

namespace meridian::inference {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Knows one key, and one whose role may not.
struct OneKey final : http::Authorizer {
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission&) override {
        const auto key = request.headers.get("authorization");
        if (key == "weak") throw Error(Fault::denied, "This key may not.");
        if (key != "good") throw Error(Fault::unauthenticated, "This key is not known.");
        return std::make_shared<identity::Caller>(caller_of(OrganizationId(), ProjectId()));
    }
};

struct OpenDoors : ::testing::Test {
    std::optional<Fault> refusal(const std::string& key, const http::Permission& permission) {
        http::Request request;
        if (!key.empty()) request.headers.add("Authorization", key);
        try {
            who = std::dynamic_pointer_cast<const identity::Caller>(door.authorize(request, permission));
            return std::nullopt;
        } catch (const Error& error) {
            return error.fault;
        }
    }
    void publish(bool any_open) {
        auto table = std::make_shared<ServingTable>();
        table->any_open = any_open;
        serving.publish(std::move(table));
    }
    OneKey keys;
    Serving serving;
    OpenDoor door{keys, serving};
    std::shared_ptr<const identity::Caller> who;
};

TEST_F(OpenDoors, LetNobodyThroughOnlyWhereSomethingIsOpen) {
    const http::Permission invoke{"invoke", "inference"}, manage{"update", "deployments"};
    EXPECT_EQ(refusal("", invoke), Fault::unauthenticated);
    publish(true);
    EXPECT_EQ(refusal("", invoke), std::nullopt);
    EXPECT_TRUE(is_nobody(*who));
    EXPECT_EQ(refusal("EMPTY", invoke), std::nullopt) << "clients send some text as the key";
    EXPECT_TRUE(is_nobody(*who));
    EXPECT_EQ(refusal("weak", invoke), Fault::denied) << "a known key keeps its limits";
    EXPECT_EQ(refusal("", manage), Fault::unauthenticated);
    EXPECT_EQ(refusal("good", invoke), std::nullopt);
}

class OpenDeployments : public GatewayTest {
protected:
    OpenDeployments() {
        site("127.0.0.1:9001", {answers(200, good_body), answers(200, good_body), answers(200, good_body), answers(200, good_body)});
        open = served("talk", {backend("a", "127.0.0.1:9001")});
        open->owner = owner;
        open->auth_disabled = true;
        closed = served("closed", {backend("a", "127.0.0.1:9001")});
        closed->owner = owner;
        shared = served("shared", {backend("a", "127.0.0.1:9001")});
        publish({open, closed, shared});
    }
    std::optional<Fault> fault(const std::string& model, const std::string& peer = "127.0.0.1:5") {
        auto asked = exchange(R"({"model":")" + model + R"(","messages":[{"role":"user","content":"x"}]})");
        asked->request().peer = peer;
        const auto error = run(*asked);
        return error ? std::optional(error->fault) : std::nullopt;
    }
    // The projects that an organization's receipts are for.
    std::vector<ProjectId> paid_by(OrganizationId organization) {
        std::vector<ProjectId> out;
        for (const auto& receipt : running->meter->list({.projects = {}, .organization = organization, .limit = 100, .before_index = {}}))
            out.push_back(receipt.start.project);
        return out;
    }
    identity::Owner owner{OrganizationId::random(world.rng()), ProjectId::random(world.rng())};
    std::shared_ptr<Served> open, closed, shared;
};

TEST_F(OpenDeployments, AnswerNobodyAtTheirProjectsCost) {
    caller = nobody();
    EXPECT_EQ(fault("talk"), std::nullopt);
    EXPECT_EQ(fault("closed"), Fault::unauthenticated);
    EXPECT_EQ(fault("shared"), Fault::unauthenticated) << "what is everybody's still needs a key";
    EXPECT_EQ(fault("none"), Fault::unauthenticated);
    EXPECT_THAT(paid_by(owner.organization), ElementsAre(owner.project));
    EXPECT_THAT(paid_by(caller.organization), IsEmpty());
}

TEST_F(OpenDeployments, AnswerStrangersAtTheirProjectsCostAndFriendsAtTheirOwn) {
    EXPECT_EQ(fault("talk"), std::nullopt) << "a key of another organization";
    EXPECT_THAT(paid_by(caller.organization), IsEmpty());
    EXPECT_THAT(paid_by(owner.organization), ElementsAre(owner.project));
    caller = caller_of(owner.organization, ProjectId::random(world.rng()));
    EXPECT_EQ(fault("talk"), std::nullopt);
    EXPECT_THAT(paid_by(owner.organization), UnorderedElementsAre(owner.project, caller.project));
}

TEST_F(OpenDeployments, AreReachedFromWhereTheRulesSay) {
    open->access = {*parse_network("10.0.0.0/8")};
    for (const bool is_known : {false, true}) {
        caller = is_known ? caller_of(owner.organization, owner.project) : nobody();
        EXPECT_EQ(fault("talk", "10.1.2.3:5"), std::nullopt);
        EXPECT_EQ(fault("talk", "11.1.2.3:5"), Fault::denied);
        EXPECT_EQ(fault("talk", "unix:/run/x"), Fault::denied);
    }
}

}  // namespace
}  // namespace meridian::inference
