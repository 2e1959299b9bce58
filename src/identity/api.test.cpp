// The wire form, through the real router and authorizer.
#include <gtest/gtest.h>

#include <set>

#include "identity/house.test.h"
#include "identity/permissions.h"

namespace meridian::identity {
namespace {

struct IdentityApiTest : test::House {};

const std::string keys = "/iam/v1alpha1/api-keys";
const std::string projects = "/account/v3/projects";

// Deny by default holds for the record too: every change through a route is in it, and nothing else.
TEST_F(IdentityApiTest, EveryChangeLeavesALineThatSaysWhoAskedForWhatAndFromWhere) {
    const auto told = [&] {
        std::vector<std::string> made;
        for (const auto& row : store->outbox("events", 100)) {
            const auto line = parse_json(row.payload).value();
            const auto& by = *member(line, "by");
            EXPECT_EQ(view(*text_member(by, "address")), "192.0.2.7");
            EXPECT_EQ(view(*text_member(by, "api_key")), first.first_key->key.access_key);
            EXPECT_EQ(view(*text_member(by, "organization")), first.organization.str());
            made.push_back(std::string(view(*text_member(by, "operation"))) + " " + std::string(view(*text_member(line, "type"))));
            store->outbox_done("events", row.id);
        }
        return made;
    };
    EXPECT_TRUE(told().empty()) << "what the program makes for itself";
    const auto made = ask("POST", keys, R"({"role": "inference"})");
    EXPECT_EQ(told(), std::vector<std::string>{"CreateAPIKey api_keys"});
    const auto key = keys + "/" + made.text("access_key");
    ask("PATCH", key, R"({"description": "other"})");
    ask("DELETE", key);
    EXPECT_EQ(told(), (std::vector<std::string>{"UpdateAPIKey api_keys", "DeleteAPIKey api_keys"}));
    const auto project = projects + "/" + ask("POST", projects, R"({"name": "more", "description": ""})").text("id");
    ask("PATCH", project, R"({"name": "most"})");
    ask("DELETE", project);
    EXPECT_EQ(told(), (std::vector<std::string>{"CreateProject projects", "UpdateProject projects", "DeleteProject projects"}));
    ask("GET", keys);
    ask("DELETE", key);
    EXPECT_TRUE(told().empty()) << "reading changes nothing, nor does what was refused";
}

TEST_F(IdentityApiTest, AKeyIsMadeShownOnceChangedAndDeleted) {
    const auto made = ask("POST", keys, R"({"description": "for the app", "role": "inference", "user_id": null, "application_id": ""})");
    ASSERT_EQ(made.status, 200) << to_text(made.body);
    EXPECT_TRUE(Uuid::parse(made.text("secret_key")));
    const auto access_key = made.text("access_key");

    const auto got = ask("GET", keys + "/" + access_key, "{}");
    EXPECT_EQ(got.status, 200);
    std::set<std::string> have;
    for (const auto& pair : got.body.as_object()) have.insert(std::string(pair.key()));
    for (const auto* key : {"access_key", "secret_key", "application_id", "user_id", "description", "created_at", "updated_at",
                            "expires_at", "default_project_id", "editable", "deletable", "managed", "creation_ip", "srn"}) {
        EXPECT_TRUE(have.contains(key)) << key;
    }
    EXPECT_TRUE(member(got.body, "secret_key")->is_null());
    EXPECT_TRUE(member(got.body, "application_id")->is_null());
    EXPECT_EQ(got.text("user_id"), first.first_key->key.principal.str());
    EXPECT_EQ(got.text("default_project_id"), first.project.str());
    EXPECT_EQ(got.text("role"), "inference");

    const auto changed = ask("PATCH", keys + "/" + access_key, R"({"description": "renamed", "expires_at": "2100-01-01T00:00:00Z"})");
    EXPECT_EQ(changed.status, 200) << to_text(changed.body);
    EXPECT_EQ(changed.text("description"), "renamed");
    EXPECT_EQ(changed.text("expires_at"), "2100-01-01T00:00:00.000000Z");

    EXPECT_EQ(ask("DELETE", keys + "/" + access_key, "{}").status, 204);
    const auto gone = ask("GET", keys + "/" + access_key);
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(gone.text("type"), "not_found");
    EXPECT_EQ(gone.text("resource_id"), access_key);
}

TEST_F(IdentityApiTest, ListsPageFilterAndSort) {
    for (int i = 0; i < 4; ++i) ask("POST", keys, R"({"description": "n)" + std::to_string(i) + R"("})");
    const auto all = ask("GET", keys + "?page=1&page_size=2&organization_id=" + first.organization.str());
    ASSERT_EQ(all.status, 200) << to_text(all.body);
    EXPECT_EQ(all.count("api_keys"), 2u);
    EXPECT_EQ(all.total(), 5);
    EXPECT_EQ(ask("GET", keys + "?page=4&page_size=2").count("api_keys"), 0u);
    EXPECT_EQ(ask("GET", keys + "?description=n3").total(), 1);
    EXPECT_EQ(ask("GET", keys + "?expired=True").total(), 0);
    EXPECT_EQ(ask("GET", keys + "?bearer_type=application").total(), 0);
    EXPECT_EQ(ask("GET", keys + "?access_keys=" + first.first_key->key.access_key + "&access_keys=none").total(), 1);
    EXPECT_EQ(ask("GET", keys + "?organization_id=" + first.project.str()).total(), 0);
    const auto sorted = ask("GET", keys + "?order_by=access_key_desc");
    std::string before = "Z";
    for (const auto& key : member(sorted.body, "api_keys")->as_array()) {
        const std::string now(view(*text_member(key, "access_key")));
        EXPECT_LT(now, before);
        before = now;
    }
    EXPECT_EQ(ask("GET", keys + "?order_by=colour").status, 400);
}

TEST_F(IdentityApiTest, AProjectIsMadeRenamedAndDeleted) {
    const auto made =
        ask("POST", projects, R"({"name": "lab", "organization_id": ")" + first.organization.str() + R"(", "description": ""})");
    ASSERT_EQ(made.status, 200) << to_text(made.body);
    EXPECT_EQ(made.text("status"), "active");
    EXPECT_TRUE(member(made.body, "qualification")->is_null());
    const auto one = projects + "/" + made.text("id");
    EXPECT_EQ(ask("PATCH", one, R"({"name": "laboratory"})").text("name"), "laboratory");
    EXPECT_EQ(ask("GET", one).text("name"), "laboratory");
    EXPECT_EQ(ask("GET", projects + "?name=laboratory").total(), 1);
    EXPECT_EQ(ask("GET", projects + "?project_ids=" + made.text("id")).total(), 1);
    EXPECT_EQ(ask("GET", projects).total(), 2);
    EXPECT_EQ(ask("DELETE", one, "{}").status, 204);
    EXPECT_EQ(ask("GET", one).status, 404);
}

TEST_F(IdentityApiTest, BadInputIsNamedFieldByField) {
    const auto bad = ask("POST", projects, R"({"name": "", "description": 7})");
    EXPECT_EQ(bad.status, 400);
    EXPECT_EQ(bad.text("type"), "invalid_arguments");
    EXPECT_EQ(bad.count("details"), 2u) << to_text(bad.body);
    EXPECT_EQ(ask("POST", projects, R"({"name": "default"})").text("type"), "already_exists");
    EXPECT_EQ(ask("DELETE", projects + "/" + first.project.str()).text("type"), "precondition_failed");
    EXPECT_EQ(ask("GET", projects + "/not-an-id").status, 404);
    EXPECT_EQ(ask("POST", keys, R"({"user_id": "00000000-0000-4000-8000-000000000000"})").status, 404);
    EXPECT_EQ(ask("POST", keys, R"({"role": "emperor"})").status, 400);
}

TEST_F(IdentityApiTest, TheOrganizationIsThere) {
    const auto got = ask("GET", "/iam/v1alpha1/organizations/" + first.organization.str());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.text("name"), "default");
    EXPECT_EQ(ask("GET", "/iam/v1alpha1/organizations/" + first.project.str()).status, 404);
}

TEST_F(IdentityApiTest, EveryRouteIsClosedToStrangersAndAsksForAKnownRight) {
    secret.clear();
    for (const auto& route : router.routes()) {
        EXPECT_TRUE(place_of(route.may.action, route.may.scope)) << route.method << ' ' << route.pattern;
        const auto answer = ask(route.method, route.pattern);
        EXPECT_EQ(answer.status, 401) << route.method << ' ' << route.pattern;
        if (route.dialect == http::Dialect::scaleway) EXPECT_EQ(answer.text("type"), "denied_authentication");
    }
}

TEST_F(IdentityApiTest, AnInferenceKeyChangesNothing) {
    secret = identity.create_key_now(Role::inference, "").secret;
    for (const auto& route : router.routes()) {
        if (route.method == "GET") continue;
        const auto answer = ask(route.method, route.pattern, "{}");
        EXPECT_EQ(answer.status, 403) << route.method << ' ' << route.pattern;
        EXPECT_EQ(answer.text("type"), "permissions_denied");
    }
    EXPECT_EQ(ask("GET", keys).total(), 1);
}

}  // namespace
}  // namespace meridian::identity
