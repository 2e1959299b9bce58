#include "identity/oidc/id_token.h"

#include <cjose/cjose.h>
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>

namespace meridian::identity {
namespace {

struct Free {
    void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
    void operator()(cjose_jwk_t* jwk) const { cjose_jwk_release(jwk); }
};
using Jws = std::unique_ptr<cjose_jws_t, Free>;
using Jwk = std::unique_ptr<cjose_jwk_t, Free>;

std::unexpected<TokenFault> wrong(std::string said) { return std::unexpected(TokenFault{TokenFault::Kind::wrong, std::move(said)}); }

std::optional<cjose_jwk_kty_t> key_kind(std::string_view algorithm) {
    constexpr std::string_view rsa[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, curve[] = {"ES256", "ES384", "ES512"};
    if (std::ranges::find(rsa, algorithm) != std::end(rsa)) return CJOSE_JWK_KTY_RSA;
    if (std::ranges::find(curve, algorithm) != std::end(curve)) return CJOSE_JWK_KTY_EC;
    return std::nullopt;
}

std::string header_text(const Jws& jws, const char* name) {
    cjose_err error;
    const char* text = cjose_header_get(cjose_jws_get_protected(jws.get()), name, &error);
    return text ? text : "";
}

// The library ends the program at text that is not.
bool is_base64url(std::string_view text) {
    const auto is_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !text.empty() && text.size() % 4 != 1 && std::ranges::all_of(text, is_digit);
}

// Three texts of that kind (RFC 7515, 7.1).
bool is_compact(std::string_view token) {
    const auto first = token.find('.'), second = token.find('.', first + 1);
    return token.size() <= token_max && first != std::string_view::npos && second != std::string_view::npos &&
           is_base64url(token.substr(0, first)) && is_base64url(token.substr(first + 1, second - first - 1)) &&
           is_base64url(token.substr(second + 1));
}

// What a public key of that kind needs, and nothing else: the library ends the program at keys that lack a member.
std::optional<std::string> public_key(const Json& from, cjose_jwk_kty_t kind) {
    const bool is_rsa = kind == CJOSE_JWK_KTY_RSA;
    if (text_in(from, "kty") != (is_rsa ? "RSA" : "EC")) return std::nullopt;
    JsonObject made{{"kty", text_in(from, "kty")}};
    for (const auto* name : is_rsa ? std::initializer_list<const char*>{"n", "e"} : std::initializer_list<const char*>{"x", "y"}) {
        const auto text = text_in(from, name);
        if (!is_base64url(text)) return std::nullopt;
        made[name] = text;
    }
    if (!is_rsa) made["crv"] = text_in(from, "crv");
    return to_text(made);
}

// Whether one of the keys that may have signed it did; nothing where none of them may have.
std::optional<bool> is_signed(const Jws& jws, const Json& keys, cjose_jwk_kty_t kind, const std::string& key_id) {
    const auto* all = member(keys, "keys");
    if (!all || !all->is_array()) return std::nullopt;
    std::optional<bool> found;
    std::size_t tried = 0;
    for (const auto& one : all->get_array()) {
        if (!one.is_object() || text_in(one, "use") == "enc") continue;
        if (!key_id.empty() && text_in(one, "kid") != key_id) continue;
        if (++tried > provider_keys_max) break;
        const auto text = public_key(one, kind);
        if (!text) continue;
        cjose_err error;
        const Jwk key(cjose_jwk_import(text->data(), text->size(), &error));
        if (!key) continue;
        found = found.value_or(false) || cjose_jws_verify(jws.get(), key.get(), &error);
    }
    return found;
}

std::optional<Timestamp> time_in(const Json& claims, std::string_view name) {
    const auto* value = member(claims, name);
    if (!value || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const auto seconds = value->to_number<double>(error);
    constexpr double year_9999 = 253'402'300'799.0;
    if (error || !(seconds >= 0 && seconds <= year_9999)) return std::nullopt;
    return Timestamp(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::expected<void, TokenFault> check_times(const Json& claims, Timestamp now) {
    const auto expires = time_in(claims, "exp"), issued = time_in(claims, "iat");
    if (!expires || !issued) return wrong("it does not say when it was issued and expires");
    const auto clocks = [&](Timestamp theirs) {
        return fmt::format("here it is {}, and the token is of {}: set the clocks right", rfc3339(now), rfc3339(theirs));
    };
    if (*expires + clock_leeway <= now) return wrong("it has expired; " + clocks(*issued));
    if (*issued > now + clock_leeway) return wrong("it is from the future; " + clocks(*issued));
    if (const auto from = time_in(claims, "nbf"); from && *from > now + clock_leeway) return wrong("it is not valid yet; " + clocks(*from));
    return {};
}

bool is_for(const Json& claims, const std::string& client) {
    const auto* audience = member(claims, "aud");
    if (!audience) return false;
    const auto is_client = [&](const Json& one) { return one.is_string() && view(one.get_string()) == client; };
    if (audience->is_string()) return is_client(*audience);
    if (!audience->is_array() || std::ranges::none_of(audience->get_array(), is_client)) return false;
    return audience->get_array().size() == 1 || text_in(claims, "azp") == client;
}

bool truth_in(const Json& claims, std::string_view name) {
    const auto* value = member(claims, name);
    return value && ((value->is_bool() && value->get_bool()) || (value->is_string() && view(value->get_string()) == "true"));
}

Claims claims_of(const Json& claims, std::string_view groups_claim) {
    Claims made{.subject = text_in(claims, "sub"),
                .email = text_in(claims, "email"),
                .name = text_in(claims, "name"),
                .given_name = text_in(claims, "given_name"),
                .family_name = text_in(claims, "family_name"),
                .preferred_username = text_in(claims, "preferred_username"),
                .email_verified = truth_in(claims, "email_verified"),
                .groups = {}};
    const auto add = [&](const Json& one) {
        if (one.is_string()) made.groups.emplace_back(view(one.get_string()));
    };
    if (const auto* groups = member(claims, groups_claim)) {
        if (groups->is_array())
            for (const auto& one : groups->get_array()) add(one);
        else
            add(*groups);
    }
    return made;
}

}  // namespace

std::string text_in(const Json& object, std::string_view name) {
    const auto* text = text_member(object, name);
    return text ? std::string(view(*text)) : std::string();
}

std::expected<Claims, TokenFault> read_id_token(std::string_view token, const Json& keys, const WantedToken& wanted) {
    cjose_err error;
    const Jws jws(is_compact(token) ? cjose_jws_import(token.data(), token.size(), &error) : nullptr);
    if (!jws) return wrong("it is no signed token");
    const auto algorithm = header_text(jws, CJOSE_HDR_ALG);
    const auto kind = key_kind(algorithm);
    if (!kind) return wrong(fmt::format("it is signed by '{}', which does not count", algorithm.substr(0, 20)));
    const auto is_good = is_signed(jws, keys, *kind, header_text(jws, CJOSE_HDR_KID));
    if (!is_good)
        return std::unexpected(TokenFault{TokenFault::Kind::unknown_key, "it is signed by a key that the provider does not show"});
    if (!*is_good) return wrong("its signature is wrong");
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    if (!cjose_jws_get_plaintext(jws.get(), &bytes, &size, &error)) return wrong("it has no content");
    const auto claims = parse_json({reinterpret_cast<const char*>(bytes), size});
    if (!claims || !claims->is_object()) return wrong("its content is no JSON object");
    if (text_in(*claims, "iss") != wanted.issuer) return wrong("it is of another issuer");
    if (!is_for(*claims, wanted.client_id)) return wrong("it is for another client");
    if (wanted.nonce.empty() || text_in(*claims, "nonce") != wanted.nonce) return wrong("it is of another sign-in");
    if (auto in_time = check_times(*claims, wanted.now); !in_time) return std::unexpected(in_time.error());
    auto made = claims_of(*claims, wanted.groups_claim);
    if (made.subject.empty() || made.subject.size() > 255) return wrong("it does not say whose it is");
    return made;
}

}  // namespace meridian::identity
