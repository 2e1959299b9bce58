// The two managers behind a router with real keys and policies, for the tests of this room.
#pragma once
#include <optional>
#include <string>

#include "base/error.h"
#include "identity/house.test.h"
#include "secrets/service.h"
#include "secrets/sweep.h"

namespace meridian::secrets::test {

inline const std::string in_secrets = "/secret-manager/v1beta1/regions/fr-par/";
inline const std::string in_keys = "/key-manager/v1alpha1/regions/fr-par/keys";

using identity::test::Answer;

struct House : identity::test::House {
    keys::SealingKey sealing = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    Turns using_keys{world.pool(), limits::using_keys}, making_keys{world.pool(), limits::making_keys};
    Ground ground{*store, sealing, using_keys, making_keys, "fr-par", world.clock(), world.rng()};
    SecretManager secrets{ground};
    KeyManager keys{ground};
    Sweep sweep{ground, world.executor()};

    void SetUp() override {
        identity::test::House::SetUp();
        add_routes(router, secrets, keys);
    }

    Answer post(const std::string& target, const JsonObject& body = {}) { return ask("POST", target, to_text(body)); }
    std::string new_secret(const std::string& name, JsonObject more = {}) {
        more["name"] = name;
        const auto answer = post(in_secrets + "secrets", more);
        EXPECT_EQ(answer.status, 200) << to_text(answer.body);
        return in_secrets + "secrets/" + answer.text("id");
    }
    std::string new_key(JsonObject wish = {}) {
        const auto answer = post(in_keys, wish);
        EXPECT_EQ(answer.status, 200) << to_text(answer.body);
        return in_keys + "/" + answer.text("id");
    }
    Answer add(const std::string& secret, const std::string& data, JsonObject more = {}) {
        more["data"] = base64(data);
        return post(secret + "/versions", more);
    }
    // The data; "412" and the like where it is not given.
    std::string data(const std::string& secret, const std::string& revision = "latest") {
        const auto answer = ask("GET", secret + "/versions/" + revision + "/access");
        return answer.status == 200 ? unbase64(answer.text("data")).value() : std::to_string(answer.status);
    }
    std::string status(const std::string& secret, const std::string& revision) {
        return ask("GET", secret + "/versions/" + revision).text("status");
    }
    // Time passes, and the sweep comes by.
    void later(Duration length) {
        world.run_for(length);
        world.run(sweep.pass());
    }
    // What a bearer with a permission set comes with.
    std::string bearer(const std::string& set, std::optional<std::string> project = {}) {
        const auto app = made("applications", {{"name", "app " + std::to_string(++bearers)}});
        const auto in = project.value_or(first.project.str());
        made("policies", {{"name", "policy " + std::to_string(bearers)},
                          {"application_id", app},
                          {"rules", JsonArray{JsonObject{{"permission_set_names", JsonArray{set}}, {"project_ids", JsonArray{in}}}}}});
        const auto key = ask("POST", "/iam/v1alpha1/api-keys",
                             to_text(JsonObject{{"application_id", app}, {"description", ""}, {"default_project_id", in}}));
        EXPECT_EQ(key.status, 200) << to_text(key.body);
        return key.text("secret_key");
    }
    Answer ask_as(const std::string& whose, std::string method, const std::string& target, std::string body = "") {
        const auto mine = std::exchange(secret, whose);
        auto answer = ask(std::move(method), target, std::move(body));
        secret = mine;
        return answer;
    }
    int bearers = 0;
};

// Kind of the error, and the first argument that it names.
inline std::string said(const Answer& answer) {
    auto made = std::to_string(answer.status) + " " + answer.text("type");
    const auto* details = member(answer.body, "details");
    if (details && details->is_array() && !details->get_array().empty())
        if (const auto* name = text_member(details->get_array().front(), "argument_name")) made += " " + std::string(view(*name));
    return made;
}

}  // namespace meridian::secrets::test
