// The data path: from a request's header to its caller, without comparing secrets; SQL is asked for keys that nobody used lately.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "http/denial.h"
#include "identity/failures.h"
#include "identity/permissions.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr std::size_t secret_max = 1024;  // tokens of sessions are the longest
constexpr auto is_unknown = "This API key is not known. Check the secret key, or make a new one.";

std::string_view secret_in(const http::Headers& headers) {
    for (const auto field : {"X-Auth-Token", "X-Session-Token"})
        if (const auto token = headers.get(field); !token.empty()) return token;
    constexpr std::string_view scheme = "bearer ";
    auto value = headers.get("Authorization");
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
    if (value.size() <= scheme.size() || !std::ranges::equal(value.substr(0, scheme.size()), scheme, same)) return {};
    value.remove_prefix(scheme.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
}

[[noreturn]] void unknown_key(std::string said, std::string reason) {
    throw Error(Fault::unauthenticated, std::move(said)).with_code("invalid_api_key").in_state(std::move(reason));
}

}  // namespace

Sha256 hash_of(std::string_view secret) { return sha256(secret); }

std::shared_ptr<const http::Principal> Identity::State::authorize(const http::Request& request, const http::Permission& permission) {
    const auto open = http::anyone();
    if (permission.action == open.action && permission.scope == open.scope) return nullptr;
    const auto secret = secret_in(request.headers);
    if (secret.empty())
        unknown_key("No API key was sent. Put your secret key into the header X-Auth-Token, or Authorization: Bearer.", "invalid_argument");
    if (secret.size() > secret_max) unknown_key(is_unknown, "not_found");
    const auto digest = hash_of(secret);
    const auto found = keys.find(digest);
    if (!found) throw http::LookUp{[this, digest] { return keys.learn(digest); }};
    if (!*found) count_failure(failures, request.peer, clock.now());
    if (!*found) unknown_key(is_unknown, "not_found");
    const auto& known = **found;
    const auto caller_at = [&](std::size_t place) { return std::shared_ptr<const Caller>(*found, &known.callers[place]); };
    if (known.expires_at && *known.expires_at <= clock.now()) unknown_key("This API key has expired. Make a new one.", "expired");
    if (known.is_locked) unknown_key("The user of this API key is locked. Ask an owner of the organization.", "unknown_reason");
    const auto right = place_of(permission.action, permission.scope);
    const auto caller = right ? known.by_right[*right] : 0;
    if (caller == 0) {
        throw http::Refused(
            Error(Fault::denied, fmt::format("This key may not {} {}. Its bearer needs a policy that allows it, and the key no "
                                             "narrower role or project.",
                                             permission.action, permission.scope))
                .about(permission.scope, "")
                .in_state(permission.action),
            caller_at(0));
    }
    return caller_at(caller - 1u);
}

const Caller& caller_of(const http::Exchange& exchange) {
    const auto* caller = dynamic_cast<const Caller*>(exchange.caller.get());
    MERIDIAN_ASSERT(caller != nullptr);
    return *caller;
}

}  // namespace meridian::identity
