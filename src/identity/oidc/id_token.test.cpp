// Tokens that a provider signs, and everything that is wrong with others.
#include "identity/oidc/id_token.h"

#include <cjose/cjose.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/error.h"
#include "base/hash.h"

namespace meridian::identity {
namespace {

struct Free {
    void operator()(cjose_jwk_t* key) const { cjose_jwk_release(key); }
    void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
    void operator()(cjose_header_t* header) const { cjose_header_release(header); }
};
using Key = std::unique_ptr<cjose_jwk_t, Free>;

Key made_key(cjose_jwk_t* native, const char* id) {
    MERIDIAN_ASSERT(native && cjose_jwk_set_kid(native, id, std::string_view(id).size(), nullptr));
    return Key(native);
}
const cjose_jwk_t* rsa() {
    static const auto key = made_key(cjose_jwk_create_RSA_random(2048, nullptr, 0, nullptr), "rsa");
    return key.get();
}
const cjose_jwk_t* curve() {
    static const auto key = made_key(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, nullptr), "curve");
    return key.get();
}
Json shown(const cjose_jwk_t* key) {
    const std::unique_ptr<char, decltype(&free)> text(cjose_jwk_to_json(key, false, nullptr), &free);
    return parse_json(text.get()).value();
}
Json key_set(const std::vector<Json>& keys) { return JsonObject{{"keys", JsonArray(keys.begin(), keys.end())}}; }

std::string signed_by(const cjose_jwk_t* key, const char* algorithm, const std::string& claims, const char* key_id) {
    const std::unique_ptr<cjose_header_t, Free> header(cjose_header_new(nullptr));
    cjose_header_set(header.get(), CJOSE_HDR_ALG, algorithm, nullptr);
    if (key_id) cjose_header_set(header.get(), CJOSE_HDR_KID, key_id, nullptr);
    const std::unique_ptr<cjose_jws_t, Free> jws(
        cjose_jws_sign(key, header.get(), reinterpret_cast<const std::uint8_t*>(claims.data()), claims.size(), nullptr));
    const char* text = nullptr;
    MERIDIAN_ASSERT(jws && cjose_jws_export(jws.get(), &text, nullptr));
    return text;
}

struct IdTokens : testing::Test {
    Timestamp now{std::chrono::seconds(1'800'000'000)};
    JsonObject claims{{"iss", "https://id.example"},
                      {"aud", "meridian"},
                      {"sub", "ada"},
                      {"nonce", "n-1"},
                      {"iat", 1'800'000'000},
                      {"exp", 1'800'003'600},
                      {"email", "ada@example.org"},
                      {"email_verified", true},
                      {"groups", JsonArray{"quantum", "staff"}}};
    WantedToken wanted{.issuer = "https://id.example", .client_id = "meridian", .nonce = "n-1", .groups_claim = "groups", .now = now};
    Json keys = key_set({shown(rsa()), shown(curve())});

    std::string token(const char* algorithm = "RS256") {
        return signed_by(algorithm[0] == 'E' ? curve() : rsa(), algorithm, to_text(claims), algorithm[0] == 'E' ? "curve" : "rsa");
    }
    // What is said of a token that does not count.
    std::string said(const std::string& text) {
        const auto read = read_id_token(text, keys, wanted);
        return read ? "good" : read.error().said;
    }
    std::string said() { return said(token()); }
};

TEST_F(IdTokens, OfThisSignInBySignaturesOfBothFamiliesCount) {
    for (const auto* algorithm : {"RS256", "PS256", "RS512", "ES256"}) {
        const auto read = read_id_token(token(algorithm), keys, wanted);
        ASSERT_TRUE(read) << algorithm << ": " << read.error().said;
        EXPECT_EQ(read->subject, "ada");
        EXPECT_EQ(read->groups, (std::vector<std::string>{"quantum", "staff"}));
        EXPECT_TRUE(read->email_verified);
    }
}

TEST_F(IdTokens, OfAnybodyElseOrOfAnotherSignInDoNotCount) {
    const auto changed = [&](std::string_view name, const Json& to) {
        const auto before = claims;
        claims[name] = to;
        const auto text = said();
        claims = before;
        return text;
    };
    EXPECT_EQ(changed("iss", "https://evil.example"), "it is of another issuer");
    EXPECT_EQ(changed("aud", "other"), "it is for another client");
    EXPECT_EQ(changed("aud", JsonArray{"meridian", "other"}), "it is for another client") << "azp does not say that it is ours";
    EXPECT_EQ(changed("aud", JsonArray{"meridian"}), "good");
    EXPECT_EQ(changed("nonce", "n-2"), "it is of another sign-in");
    EXPECT_EQ(changed("nonce", nullptr), "it is of another sign-in");
    EXPECT_EQ(changed("sub", ""), "it does not say whose it is");
    EXPECT_EQ(changed("exp", nullptr), "it does not say when it was issued and expires");
    EXPECT_EQ(changed("exp", 1e300), "it does not say when it was issued and expires");
}

TEST_F(IdTokens, OfAClockFiveMinutesOffAreRefusedWithBothTimes) {
    wanted.now = now - std::chrono::minutes(5);
    EXPECT_EQ(said(),
              "it is from the future; here it is 2027-01-15T07:55:00.000000Z, and the token is of 2027-01-15T08:00:00.000000Z: set "
              "the clocks right");
    wanted.now = now + std::chrono::minutes(63);
    EXPECT_TRUE(said().starts_with("it has expired")) << said();
    wanted.now = now - std::chrono::minutes(1);
    EXPECT_EQ(said(), "good") << "a minute is nothing";
}

TEST_F(IdTokens, WithoutTheProvidersSignatureDoNotCount) {
    const auto good = token();
    const auto dot = good.rfind('.');
    EXPECT_EQ(said(good.substr(0, dot + 1) + std::string(342, 'A')), "its signature is wrong");
    const auto none = base64url(R"({"alg":"none"})") + "." + base64url(to_text(claims)) + ".";
    EXPECT_NE(said(none), "good");
    // A shared secret made of what everybody can see of the key.
    const auto shared =
        Key(cjose_jwk_create_oct_spec(reinterpret_cast<const std::uint8_t*>("0123456789abcdef0123456789abcdef"), 32, nullptr));
    keys = key_set({parse_json(R"({"kty":"oct","kid":"rsa","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"})").value(), shown(rsa())});
    EXPECT_EQ(said(signed_by(shared.get(), "HS256", to_text(claims), "rsa")), "it is signed by 'HS256', which does not count");
    for (const auto* nonsense : {"nonsense", "", "..", "a.b.c", "e30.e30", "e30.e30.AAAA.AAAA", "e3 0.e30.AAAA", "e30=.e30.AAAA"})
        EXPECT_EQ(said(nonsense), "it is no signed token") << nonsense;
    EXPECT_EQ(said(std::string(token_max + 1, 'a')), "it is no signed token");
}

TEST_F(IdTokens, OfAKeyThatIsNotShownAskForTheKeysAgain) {
    keys = key_set({shown(curve())});
    const auto read = read_id_token(token(), keys, wanted);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, TokenFault::Kind::unknown_key);
    // What lacks something, or is no key at all, is passed over.
    for (const auto* broken :
         {R"({"kty":"RSA"})", R"({"kty":"RSA","n":"","e":"AQAB"})", R"({"kty":"EC","x":"AA","y":1})", R"({"kty":3})", "[]"})
        EXPECT_EQ(read_id_token(token(), key_set({parse_json(broken).value()}), wanted).error().kind, TokenFault::Kind::unknown_key)
            << broken;
    keys = JsonObject{};
    EXPECT_EQ(read_id_token(token(), keys, wanted).error().kind, TokenFault::Kind::unknown_key);
    keys = key_set({shown(rsa())});
    EXPECT_EQ(said(), "good");
}

}  // namespace
}  // namespace meridian::identity
