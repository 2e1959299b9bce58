#include "identity/oidc/sign_in.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "identity/state.h"

namespace meridian::identity {
namespace {

constexpr std::string_view journey_context = "sign-in", secret_context = "identity provider";
constexpr auto journey_length = std::chrono::minutes(10);
constexpr std::size_t return_max = 1024;

// A path of this server, or a program that waits on the browser's own machine (RFC 8252, 7.3): nobody is sent elsewhere with a code.
bool may_return_to(std::string_view place) {
    if (place.size() > return_max || std::ranges::any_of(place, [](char c) { return c <= ' ' || c > '~' || c == '\\' || c == '#'; }))
        return false;
    if (place.starts_with('/')) return !place.starts_with("//");
    const auto url = http::parse_url(place);
    return url && !url->target.tls && place.find('@') == std::string_view::npos &&
           (url->target.host == "127.0.0.1" || url->target.host == "::1" || url->target.host == "localhost");
}

std::string with_query(std::string place, std::string_view more) {
    place += place.contains('?') ? '&' : '?';
    place += more;
    return place;
}

}  // namespace

SignIn::SignIn(Identity& identity, ClientHere client, const keys::SealingKey& sealing)
    : identity_(identity), issuers_(std::move(client), identity.state().clock), sealing_(sealing) {}

std::string SignIn::sealed(const Journey& j) const {
    const auto text = to_text(JsonObject{{"state", j.state},
                                         {"nonce", j.nonce},
                                         {"verifier", j.verifier},
                                         {"return_to", j.return_to},
                                         {"challenge", j.challenge},
                                         {"callback", j.callback},
                                         {"organization", j.organization.str()},
                                         {"ends", rfc3339(j.ends)}});
    return base64url(sealing_.seal(text, journey_context, identity_.state().rng));
}

std::optional<SignIn::Journey> SignIn::opened(std::string_view cookie) const {
    const auto bytes = unbase64(cookie);
    const auto text = bytes ? sealing_.open(*bytes, journey_context) : complaint("it is no base64");
    const auto json = text ? parse_json(*text) : std::unexpected(text.error());
    if (!json) return std::nullopt;
    const auto organization = OrganizationId::parse(text_in(*json, "organization"));
    const auto ends = parse_rfc3339(text_in(*json, "ends"));
    if (!organization || !ends || *ends <= identity_.now()) return std::nullopt;
    return Journey{.state = text_in(*json, "state"),
                   .nonce = text_in(*json, "nonce"),
                   .verifier = text_in(*json, "verifier"),
                   .return_to = text_in(*json, "return_to"),
                   .challenge = text_in(*json, "challenge"),
                   .callback = text_in(*json, "callback"),
                   .organization = *organization,
                   .ends = *ends};
}

std::string SignIn::seal(std::string_view client_secret) const {
    return client_secret.empty() ? "" : base64(sealing_.seal(client_secret, secret_context, identity_.state().rng));
}

Task<> SignIn::check_issuer(std::string issuer) { co_await issuers_.published(std::move(issuer), true); }

Task<IdentityProvider> SignIn::provider_of(OrganizationId organization) {
    auto found = co_await identity_.state().store.read([organization](store::Tx& tx) { return find_provider(tx, organization); });
    if (!found) throw Error(Fault::precondition, "No identity provider is declared here. Use a key, or ask an owner to declare one.");
    co_return *std::move(found);
}

Task<SignIn::Sent> SignIn::begin(Wish wish) {
    if (!may_return_to(wish.return_to))
        refuse("return_to", "Name a path of this server, or a URL of this very machine (http://127.0.0.1:PORT/...).");
    if (unbase64(wish.challenge).value_or("").size() != 32)
        refuse("challenge", "Send the SHA-256 of your verifier in base64url: 43 characters.");
    const auto provider = co_await provider_of(wish.organization);
    const auto known = co_await issuers_.published(provider.issuer);
    auto& rng = identity_.state().rng;
    const Journey journey{.state = unguessable_text(rng),
                          .nonce = unguessable_text(rng),
                          .verifier = unguessable_text(rng),
                          .return_to = std::move(wish.return_to),
                          .challenge = std::move(wish.challenge),
                          .callback = provider.callback_url.empty() ? wish.origin.append(callback_path) : provider.callback_url,
                          .organization = wish.organization,
                          .ends = identity_.now() + journey_length};
    const auto query = fmt::format(
        "response_type=code&client_id={}&redirect_uri={}&scope={}&state={}&nonce={}&code_challenge={}&code_challenge_method=S256",
        http::percent_encode(provider.client_id), http::percent_encode(journey.callback),
        http::percent_encode(fmt::format("{}", fmt::join(provider.scopes, " "))), journey.state, journey.nonce,
        base64url(as_view(sha256(journey.verifier))));
    co_return Sent{.location = with_query(known->authorization_endpoint, query), .cookie = sealed(journey)};
}

Task<Claims> SignIn::claims_of(IdentityProvider provider, Journey journey, std::string code) {
    std::string secret;
    if (!provider.client_secret.empty()) {
        auto opened = sealing_.open(unbase64(provider.client_secret).value_or(""), secret_context);
        if (!opened) throw Error(Fault::unavailable, "The provider's client secret cannot be opened. Declare the provider again.");
        secret = *std::move(opened);
    }
    const auto token = co_await issuers_.id_token(provider, std::move(secret), std::move(code), journey.verifier, journey.callback);
    const WantedToken wanted{.issuer = provider.issuer,
                             .client_id = provider.client_id,
                             .nonce = journey.nonce,
                             .groups_claim = provider.groups_claim,
                             .now = identity_.now()};
    auto known = co_await issuers_.published(provider.issuer);
    auto read = read_id_token(token, known->keys, wanted);
    if (!read && read.error().kind == TokenFault::Kind::unknown_key) {  // signed since by a new one
        known = co_await issuers_.published(provider.issuer, true);
        read = read_id_token(token, known->keys, wanted);
    }
    if (!read) throw Error(Fault::unauthenticated, fmt::format("The identity provider's token does not count: {}.", read.error().said));
    co_return *std::move(read);
}

Task<std::string> SignIn::code_for(Journey journey, Return with) {
    auto& state = identity_.state();
    const auto provider = co_await provider_of(journey.organization);
    if (!with.error.empty()) throw Error(Fault::denied, fmt::format("The identity provider said: {}.", with.error));
    if (!with.issuer.empty() && with.issuer != provider.issuer)  // RFC 9207
        throw Error(Fault::unauthenticated, "The answer is of another identity provider.");
    const auto claims = co_await claims_of(provider, journey, with.code);
    auto by = everything(journey.organization, {}, {});
    by.origin = std::make_shared<const http::Origin>(with.from);
    by.principal = co_await state.change(
        by, [&state, provider, claims](store::Tx& tx) { return arrive(tx, provider, claims, state.clock.now(), state.rng); });
    co_return co_await state.change(by, [&state, by, journey](store::Tx& tx) {
        const Entry entry{by.organization, by.principal, std::nullopt, by.origin->address, by.origin->user_agent};
        return give_code(tx, insert_session(tx, entry, state.clock.now(), state.rng), journey.challenge, state.rng);
    });
}

Task<std::string> SignIn::finish(Return with) {
    auto journey = opened(with.cookie);
    if (!journey || with.state.empty() || !equal_in_constant_time(journey->state, with.state))
        throw Error(Fault::invalid, "This sign-in is too old, or was begun in another browser. Begin again.");
    std::optional<Error> failed;
    try {
        const auto code = co_await code_for(*journey, std::move(with));
        co_return with_query(journey->return_to, "code=" + code);
    } catch (const Error& e) {
        failed = e;
    }
    const auto word = failed->fault == Fault::unavailable ? "temporarily_unavailable" : "access_denied";
    co_return with_query(journey->return_to, fmt::format("error={}&error_description={}", word, http::percent_encode(failed->said)));
}

Task<SignIn::Taken> SignIn::take(std::string code, std::string verifier) {
    auto& state = identity_.state();
    if (!state.signing) throw Error(Fault::unavailable, "This installation gives no tokens.");
    // No event of its own: that this person signed in is one already.
    auto taken = co_await state.store.write([&state, code, verifier](store::Tx& tx) -> std::optional<Taken> {
        const auto session = take_code(tx, code, verifier, state.clock.now());
        if (!session) return std::nullopt;
        return Taken{*session, give_token(tx, *session, *state.signing)};
    });
    if (!taken) throw Error(Fault::unauthenticated, "This code is not good any more. Sign in again.").in_state("expired");
    co_return *std::move(taken);
}

}  // namespace meridian::identity
