// iam/v1alpha1 beside keys: people, groups, policies, and what follows from them for who asks.
#include <gtest/gtest.h>

#include "identity/house.test.h"
#include "identity/permission_sets.h"

namespace meridian::identity {
namespace {

const std::string iam = "/iam/v1alpha1/";
const std::string projects = "/account/v3/projects";

struct Iam : test::House {
    // An application with one policy, and the secret of a key of it.
    struct Made {
        std::string id, policy, secret;
    };
    Made application(const std::string& name, const std::string& set, const std::string& project = "") {
        Made app;
        app.id = made("applications", {{"name", name}});
        JsonObject rule{{"permission_set_names", JsonArray{set}}};
        if (project.empty())
            rule["organization_id"] = first.organization.str();
        else
            rule["project_ids"] = JsonArray{Json(project)};
        app.policy = made("policies", {{"name", name}, {"application_id", app.id}, {"rules", JsonArray{rule}}});
        app.secret = ask("POST", iam + "api-keys", to_text(JsonObject{{"application_id", app.id}})).text("secret_key");
        return app;
    }
    // A status, as somebody else.
    int as(const std::string& whose, const std::string& method, const std::string& target, const std::string& body = "") {
        const auto before = std::exchange(secret, whose);
        const auto status = ask(method, target, body).status;
        secret = before;
        return status;
    }
    std::string project(const std::string& name) {
        return ask("POST", projects, to_text(JsonObject{{"name", name}, {"description", ""}})).text("id");
    }
};

TEST_F(Iam, APolicyOpensItsProjectAndNoOther) {
    const auto mine = project("mine"), other = project("other");
    const auto app = application("reader", "SSHKeysFullAccess", mine);
    const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK+XCESM/oHaIO/DS5rDWqx5jH5qbBnnb8+eFdl5wtV9";
    const auto wish = [&](const std::string& in) { return to_text(JsonObject{{"name", "k"}, {"public_key", key}, {"project_id", in}}); };
    EXPECT_EQ(as(app.secret, "POST", iam + "ssh-keys", wish(mine)), 200);
    EXPECT_EQ(as(app.secret, "POST", iam + "ssh-keys", wish(mine)), 409) << "it is there already";
    EXPECT_EQ(as(app.secret, "POST", iam + "ssh-keys", wish(other)), 404);
    EXPECT_EQ(as(app.secret, "GET", projects + "/" + mine), 200);
    EXPECT_EQ(as(app.secret, "GET", projects + "/" + other), 404);
    EXPECT_EQ(as(app.secret, "DELETE", projects + "/" + mine), 403) << "it may see it and no more";
    EXPECT_EQ(as(app.secret, "GET", iam + "applications"), 403);
}

TEST_F(Iam, WhatAPolicyLosesItsBearersLoseAtOnce) {
    const auto app = application("manager", "IAMManager");
    EXPECT_EQ(as(app.secret, "GET", iam + "users"), 200);
    EXPECT_EQ(ask("PUT", iam + "rules",
                  to_text(JsonObject{{"policy_id", app.policy},
                                     {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{"IAMGroupReadOnly"}},
                                                                    {"organization_id", first.organization.str()}}}}}))
                  .status,
              200);
    EXPECT_EQ(as(app.secret, "GET", iam + "users"), 403);
    EXPECT_EQ(as(app.secret, "GET", iam + "groups"), 200);
    EXPECT_EQ(ask("DELETE", iam + "policies/" + app.policy).status, 204);
    EXPECT_EQ(as(app.secret, "GET", iam + "groups"), 403);
    EXPECT_EQ(ask("DELETE", iam + "applications/" + app.id).status, 204);
    EXPECT_EQ(as(app.secret, "GET", iam + "groups"), 401) << "its keys went with it";
    EXPECT_EQ(ask("GET", iam + "applications/" + app.id).status, 404);
}

TEST_F(Iam, AGroupGivesItsMembersWhatItsPoliciesSay) {
    const auto app = application("nobody", "IAMGroupReadOnly");
    EXPECT_EQ(as(app.secret, "GET", iam + "users"), 403);
    const auto group = made("groups", {{"name", "readers"}});
    made("policies", {{"name", "readers"},
                      {"group_id", group},
                      {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{"IAMReadOnly"}},
                                                     {"organization_id", first.organization.str()}}}}});
    const auto added =
        ask("POST", iam + "groups/" + group + "/add-member", to_text(JsonObject{{"application_id", app.id}, {"user_id", ""}}));
    ASSERT_EQ(added.status, 200) << to_text(added.body);
    EXPECT_EQ(added.count("application_ids"), 1u);
    EXPECT_EQ(as(app.secret, "GET", iam + "users"), 200);
    EXPECT_EQ(as(app.secret, "POST", iam + "users", R"({"email": "a@example.org"})"), 403);
    EXPECT_EQ(ask("PUT", iam + "groups/" + group + "/members", R"({"user_ids": [], "application_ids": []})").count("application_ids"), 0u);
    EXPECT_EQ(as(app.secret, "GET", iam + "users"), 403);
}

TEST_F(Iam, NobodyGetsTheSecretOfAnotherPerson) {
    const auto member = made("users", {{"member", JsonObject{{"email", "b@example.org"}, {"username", "bea"}}}});
    const auto answer = ask("POST", iam + "api-keys", to_text(JsonObject{{"user_id", member}}));
    EXPECT_EQ(answer.status, 403) << to_text(answer.body);
    const auto app = application("keys", "IAMApplicationManager");
    EXPECT_EQ(as(app.secret, "POST", iam + "api-keys", "{}"), 403) << "it may make applications, and no keys";
}

TEST_F(Iam, PoliciesRefuseWhatTheyCannotKeep) {
    const auto app = made("applications", {{"name", "app"}});
    const auto status = [&](const JsonObject& rule) {
        return ask("POST", iam + "policies", to_text(JsonObject{{"name", "p"}, {"application_id", app}, {"rules", JsonArray{rule}}}))
            .status;
    };
    const auto ours = first.organization.str(), project = first.project.str();
    EXPECT_EQ(status({{"permission_set_names", JsonArray{"NoSuchSet"}}, {"organization_id", ours}}), 400);
    EXPECT_EQ(status({{"permission_set_names", JsonArray{"IAMManager"}}, {"project_ids", JsonArray{Json(project)}}}), 400);
    EXPECT_EQ(status({{"permission_set_names", JsonArray{"InferenceReadOnly"}}, {"project_ids", JsonArray{Json(ours)}}}), 404);
    EXPECT_EQ(status({{"permission_set_names", JsonArray{"InferenceReadOnly"}}, {"organization_id", project}}), 404);
    EXPECT_EQ(
        status({{"permission_set_names", JsonArray{"InferenceReadOnly"}}, {"organization_id", ours}, {"condition", "request.ip == ''"}}),
        400);
    EXPECT_EQ(status({{"permission_set_names", JsonArray{"InferenceReadOnly"}}}), 400) << "neither projects nor the organization";
    EXPECT_EQ(ask("GET", iam + "policies").total(), 0) << "nothing of it was kept";
    EXPECT_EQ(ask("POST", iam + "policies", to_text(JsonObject{{"name", "p"}, {"rules", JsonArray{}}})).status, 400) << "for whom?";
}

TEST_F(Iam, OnlyWhoRunsTheInstallationGivesThatRightOn) {
    const auto app = application("policies", "IAMManager");
    const auto wish = [&](const std::string& set) {
        return to_text(JsonObject{{"name", set},
                                  {"application_id", app.id},
                                  {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{Json(set)}},
                                                                 {"organization_id", first.organization.str()}}}}});
    };
    EXPECT_EQ(as(app.secret, "POST", iam + "policies", wish("PlatformManager")), 403);
    EXPECT_EQ(as(app.secret, "POST", iam + "policies", wish("ProjectManager")), 200);
    EXPECT_EQ(ask("POST", iam + "policies", wish("PlatformManager")).status, 200);
}

TEST_F(Iam, WhoDoesNotRunTheInstallationGetsThatRightByNoKeyAndNoGroup) {
    const auto operator_ = application("operator", "PlatformManager");
    const auto manager = application("manager", "IAMManager");
    const auto key_for = [](const std::string& id) { return to_text(JsonObject{{"application_id", id}}); };
    EXPECT_EQ(as(manager.secret, "POST", iam + "api-keys", key_for(operator_.id)), 403);
    const auto harmless = made("applications", {{"name", "harmless"}});
    EXPECT_EQ(as(manager.secret, "POST", iam + "api-keys", key_for(harmless)), 200);
    const auto group = made("groups", {{"name", "operators"}});
    const auto member = to_text(JsonObject{{"application_id", manager.id}});
    EXPECT_EQ(as(manager.secret, "POST", iam + "groups/" + group + "/add-member", member), 200);
    EXPECT_EQ(as(manager.secret, "POST", iam + "groups/" + group + "/remove-member", member), 200);
    made("policies", {{"name", "operators"},
                      {"group_id", group},
                      {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{"PlatformReadOnly"}},
                                                     {"organization_id", first.organization.str()}}}}});
    EXPECT_EQ(as(manager.secret, "POST", iam + "groups/" + group + "/add-member", member), 403);
    EXPECT_EQ(as(manager.secret, "PUT", iam + "groups/" + group + "/members",
                 to_text(JsonObject{{"application_ids", JsonArray{Json(manager.id)}}})),
              403);
    EXPECT_EQ(ask("POST", iam + "groups/" + group + "/add-member", member).status, 200);
}

TEST_F(Iam, ALockedUserStaysOutsideAndTheLastOwnerIsNeverLocked) {
    const auto owner = first.first_key->key.principal.str();
    EXPECT_EQ(ask("POST", iam + "users/" + owner + "/lock", "{}").status, 412);
    EXPECT_EQ(ask("DELETE", iam + "users/" + owner).status, 403);
    const auto invited = ask("POST", iam + "users", R"({"email": "c@example.org", "tags": ["lab"]})");
    EXPECT_EQ(invited.text("status"), "invitation_pending");
    const auto id = invited.text("id");
    EXPECT_EQ(ask("POST", iam + "users/" + id + "/lock", "{}").body.at("locked"), true);
    EXPECT_EQ(ask("POST", iam + "users/" + id + "/unlock", "{}").body.at("locked"), false);
    EXPECT_EQ(ask("GET", iam + "users?tag=lab").total(), 1);
    EXPECT_EQ(ask("GET", iam + "users?tag=la").total(), 0);
    EXPECT_EQ(ask("GET", iam + "users?order_by=last_login_desc&type=owner").total(), 1);
    EXPECT_EQ(ask("PATCH", iam + "users/" + id, R"({"first_name": "Cleo"})").text("first_name"), "Cleo");
    EXPECT_EQ(ask("DELETE", iam + "users/" + id).status, 204);
    EXPECT_EQ(ask("GET", iam + "users/" + id).status, 404);
    EXPECT_EQ(ask("POST", iam + "users", R"({"email": "no address"})").status, 400);
    EXPECT_EQ(ask("POST", iam + "users", R"({"member": {"username": "dan", "email": "", "password": "secret"}})").status, 400);
}

TEST_F(Iam, APolicyIsShownChangedAndCopied) {
    const auto app = application("app", "InferenceReadOnly", first.project.str());
    auto policy = ask("GET", iam + "policies/" + app.policy);
    EXPECT_EQ(policy.text("application_id"), app.id);
    EXPECT_TRUE(member(policy.body, "user_id")->is_null());
    EXPECT_EQ(policy.body.at("nb_rules"), 1);
    const auto rules = ask("GET", iam + "rules?policy_id=" + app.policy);
    EXPECT_EQ(rules.total(), 1);
    EXPECT_EQ(view(*text_member(rules.body.at("rules").at(0), "permission_sets_scope_type")), "projects");
    EXPECT_EQ(ask("POST", iam + "policies/" + app.policy + "/clone", "{}").status, 200);
    EXPECT_EQ(ask("GET", iam + "policies").total(), 2);
    policy = ask("PATCH", iam + "policies/" + app.policy, R"({"no_principal": true, "name": "kept"})");
    EXPECT_EQ(policy.body.at("no_principal"), true);
    EXPECT_EQ(as(app.secret, "GET", projects + "/" + first.project.str()), 200) << "by the copy";
    EXPECT_EQ(ask("GET", iam + "policies?no_principal=true").total(), 1);
    EXPECT_EQ(ask("GET", iam + "policies?policy_name=kept").total(), 1);
    EXPECT_EQ(ask("GET", iam + "policies?application_ids=" + app.id).total(), 1);
    EXPECT_EQ(ask("POST", iam + "policies", to_text(JsonObject{{"name", "kept"}, {"no_principal", true}, {"rules", nullptr}})).status, 409);
}

TEST_F(Iam, SetsAndQuotaAreListed) {
    const auto sets = ask("GET", iam + "permission-sets?page_size=100&organization_id=" + first.organization.str());
    EXPECT_EQ(sets.total(), static_cast<std::int64_t>(permission_sets().size()));
    EXPECT_EQ(ask("GET", iam + "quota").total(), 5);
    EXPECT_EQ(ask("GET", iam + "quota/iam_api_keys").body.at("limit"), 1'000'000);
    EXPECT_EQ(ask("GET", iam + "quota/dreams").status, 404);
    EXPECT_EQ(ask("GET", iam + "groups?organization_id=" + first.project.str()).status, 404);
}

}  // namespace
}  // namespace meridian::identity
