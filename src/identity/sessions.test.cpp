// Tokens of sessions: who gets one, what it opens, and when it ends.
#include "identity/sessions.h"

#include <gtest/gtest.h>

#include "identity/failures.h"
#include "identity/house.test.h"

namespace meridian::identity {
namespace {

using namespace std::chrono_literals;

const std::string jwts = "/iam/v1alpha1/jwts";

struct Sessions : test::House {
    test::Answer create(const std::string& body = "{}") { return ask("POST", jwts, body); }
    test::Answer as(const std::string& whose, const std::string& method, const std::string& target, const std::string& body = "") {
        const auto before = std::exchange(secret, whose);
        auto answer = ask(method, target, body);
        secret = before;
        return answer;
    }
    std::string settings = "/iam/v1alpha1/organizations/" + first.organization.str() + "/security-settings";
};
std::string jti_of(const test::Answer& made) { return std::string(view(*text_member(made.body.at("jwt"), "jti"))); }

TEST_F(Sessions, ATokenOpensWhatItsKeyOpensAndIsASignedJwt) {
    const auto made = create();
    ASSERT_EQ(made.status, 200) << to_text(made.body);
    const auto token = made.text("token");
    EXPECT_EQ(as(token, "GET", "/iam/v1alpha1/users").status, 200);
    const auto dot = token.rfind('.');
    const auto signature = unbase64(token.substr(dot + 1)).value();
    EXPECT_TRUE(keys::verify(signing.public_key(), token.substr(0, dot), signature));
    const auto claims = parse_json(unbase64(token.substr(token.find('.') + 1, dot - token.find('.') - 1)).value()).value();
    EXPECT_EQ(view(*text_member(claims, "jti")), jti_of(made));
    EXPECT_EQ(view(*text_member(claims, "aud")), first.organization.str());
    EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 12 * 3600);
    EXPECT_EQ(as(token.substr(0, dot) + ".AAAA", "GET", "/iam/v1alpha1/users").status, 401) << "the whole token is the secret";
}

TEST_F(Sessions, ATokenOfALimitedKeyMayNoMoreThanTheKey) {
    const auto project = ask("POST", "/account/v3/projects", R"({"name":"p","description":""})").text("id");
    const auto limited = world.run(identity.create_key(everything(first.organization, first.project, first.first_key->key.principal),
                                                       Role::admin, "limited", ProjectId::parse(project), std::nullopt));
    const auto token = as(limited.secret, "POST", jwts, "{}").text("token");
    EXPECT_EQ(as(token, "GET", "/account/v3/projects/" + project).status, 200);
    EXPECT_EQ(as(token, "GET", "/account/v3/projects/" + first.project.str()).status, 404);
    EXPECT_EQ(ask("DELETE", "/iam/v1alpha1/api-keys/" + limited.key.access_key).status, 204);
    EXPECT_EQ(as(token, "GET", "/account/v3/projects/" + project).status, 401) << "it goes with its key";
    const auto observer = world.run(identity.create_key(everything(first.organization, first.project, first.first_key->key.principal),
                                                        Role::observer, "observer", std::nullopt, std::nullopt));
    EXPECT_EQ(as(observer.secret, "POST", jwts, "{}").status, 403);
}

TEST_F(Sessions, NobodyGetsATokenOfSomebodyElse) {
    const auto user = made("users", {{"member", JsonObject{{"username", "ada"}}}});
    EXPECT_EQ(create(to_text(JsonObject{{"user_id", user}})).status, 403);
    EXPECT_EQ(create(to_text(JsonObject{{"user_id", first.first_key->key.principal.str()}})).status, 200);
    const auto token = create().text("token");
    EXPECT_EQ(as(token, "POST", jwts, "{}").status, 403) << "a token does not prolong itself";
    const auto app = made("applications", {{"name", "app"}});
    const auto key = ask("POST", "/iam/v1alpha1/api-keys", to_text(JsonObject{{"application_id", app}})).text("secret_key");
    EXPECT_EQ(as(key, "POST", jwts, "{}").status, 400) << "applications have keys";
}

TEST_F(Sessions, ATokenEndsAtItsTimeAndWhenItIsDeleted) {
    EXPECT_EQ(ask("PATCH", settings, R"({"max_login_session_duration":"600s"})").status, 200);
    const auto one = create(), other = create();
    EXPECT_EQ(ask("GET", jwts).total(), 2);
    EXPECT_EQ(ask("DELETE", jwts + "/" + jti_of(one)).status, 204);
    EXPECT_EQ(as(one.text("token"), "GET", jwts).status, 401);
    EXPECT_EQ(ask("GET", jwts + "/" + jti_of(one)).status, 404);
    EXPECT_EQ(as(other.text("token"), "GET", jwts).status, 200);
    world.run_for(600s);
    const auto late = as(other.text("token"), "GET", jwts);
    EXPECT_EQ(late.status, 401);
    EXPECT_EQ(late.text("reason"), "expired");
    EXPECT_EQ(ask("GET", jwts + "?expired=true").total(), 1);
    EXPECT_EQ(create().status, 200);
    EXPECT_EQ(ask("GET", jwts).total(), 1) << "what ended is swept away";
}

TEST_F(Sessions, OthersTokensAreSeenByThoseWhoReadUsersAndEndedByThoseWhoChangeThem) {
    const auto mine = create();
    const auto app = made("applications", {{"name", "reader"}});
    const auto rule = JsonObject{{"permission_set_names", JsonArray{"IAMUserReadOnly"}}, {"organization_id", first.organization.str()}};
    made("policies", {{"name", "reader"}, {"application_id", app}, {"rules", JsonArray{rule}}});
    const auto reader = ask("POST", "/iam/v1alpha1/api-keys", to_text(JsonObject{{"application_id", app}})).text("secret_key");
    const auto nobody = made("applications", {{"name", "nobody"}});
    const auto other = ask("POST", "/iam/v1alpha1/api-keys", to_text(JsonObject{{"application_id", nobody}})).text("secret_key");
    const auto path = jwts + "/" + jti_of(mine);
    EXPECT_EQ(as(reader, "GET", path).status, 200);
    EXPECT_EQ(as(reader, "DELETE", path).status, 403);
    EXPECT_EQ(as(other, "GET", path).status, 404);
    EXPECT_EQ(as(other, "DELETE", path).status, 404);
    EXPECT_EQ(as(other, "GET", jwts + "?audience_id=" + first.first_key->key.principal.str()).status, 403);
    EXPECT_EQ(as(other, "GET", jwts).total(), 0);
}

TEST_F(Sessions, AnOrganizationMayWantKeysThatExpire) {
    const auto soon = rfc3339(world.clock().now() + 2h), late = rfc3339(world.clock().now() + 48h);
    const auto keys = std::string("/iam/v1alpha1/api-keys");
    const auto wish = [](const std::string& at) { return to_text(JsonObject{{"expires_at", at}}); };
    EXPECT_EQ(ask("PATCH", settings, R"({"max_api_key_expiration_duration":"86400s"})").status, 200);
    EXPECT_EQ(ask("POST", keys, "{}").status, 400);
    EXPECT_EQ(ask("POST", keys, wish(late)).status, 400);
    EXPECT_EQ(ask("POST", keys, wish(soon)).status, 200);
    EXPECT_EQ(ask("PATCH", settings, R"({"max_api_key_expiration_duration":"0s"})").status, 200);
    EXPECT_EQ(ask("POST", keys, "{}").status, 200);
    EXPECT_EQ(ask("PATCH", settings, R"({"max_login_session_duration":"1s"})").status, 400);
    EXPECT_EQ(ask("PATCH", settings, R"({"enforce_password_renewal":true})").status, 400);
    EXPECT_EQ(ask("GET", settings).text("max_login_session_duration"), "43200s");
}

TEST_F(Sessions, ACodeIsGoodOnceForWhoeverKnowsItsVerifier) {
    const Entry entry{first.organization, first.first_key->key.principal, std::nullopt, "192.0.2.1", "test"};
    const auto now = world.clock().now();
    const std::string verifier = "the-verifier", challenge = base64url(as_view(sha256(verifier)));
    const auto give = [&] {
        return store->write_now(
            [&](store::Tx& tx) { return give_code(tx, insert_session(tx, entry, now, world.rng()), challenge, world.rng()); });
    };
    const auto take = [&](const std::string& code, const std::string& with, Timestamp at) {
        return store->write_now([&](store::Tx& tx) {
            auto session = take_code(tx, code, with, at);
            if (session) give_token(tx, *session, signing);
            return session.has_value();
        });
    };
    const auto code = give();
    EXPECT_TRUE(take(code, verifier, now));
    EXPECT_FALSE(take(code, verifier, now)) << "used";
    const auto second = give();
    EXPECT_FALSE(take(second, "another", now));
    EXPECT_FALSE(take(second, verifier, now)) << "one try";
    EXPECT_FALSE(take(give(), verifier, now + 121s)) << "too late";
}

TEST_F(Sessions, WhoGuessesSecretsIsToldToWait) {
    int refused = 0;
    for (std::uint32_t i = 0; i <= failures_max; ++i) refused = as("guess", "GET", jwts).status;
    EXPECT_EQ(refused, 429);
    EXPECT_EQ(ask("GET", jwts).status, 200) << "who has a key comes in from there as before";
}

}  // namespace
}  // namespace meridian::identity
