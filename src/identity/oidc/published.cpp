#include "identity/oidc/published.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/hash.h"

namespace meridian::identity {
namespace {

constexpr Duration kept_for = std::chrono::minutes(10);
constexpr std::size_t answer_max = 1 << 20;

[[noreturn]] void silent(std::string why) {
    throw Error(Fault::unavailable,
                fmt::format("The identity provider cannot be asked: {}. Sign in later; keys and open sessions work meanwhile.", why));
}

std::string form(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    std::string text;
    for (const auto& [name, value] : fields)
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, http::percent_encode(std::string(value)));
    return text;
}

}  // namespace

bool is_fit_url(std::string_view url) {
    const auto parsed = http::parse_url(url);
    if (!parsed) return false;
    const auto& host = parsed->target.host;
    return parsed->target.tls || host == "localhost" || host == "127.0.0.1" || host == "::1" || host == "[::1]";
}

Task<Json> Issuers::get(std::string url) {
    if (!is_fit_url(url)) silent(fmt::format("'{}' is no https URL", url.substr(0, 200)));
    const auto at = http::parse_url(url);
    auto& client = client_(co_await asio::this_coro::executor);
    http::Outgoing request;
    request.path = at->path;
    request.headers.add("Accept", "application/json");
    const auto answer = co_await client.fetch(at->target, std::move(request), answer_max);
    if (!answer) silent(answer.error().said);
    if (answer->status != 200) silent(fmt::format("it answered {} to {}", answer->status, at->path));
    auto json = parse_json(answer->body);
    if (!json || !json->is_object()) silent("its answer is no JSON object");
    co_return *std::move(json);
}

Task<std::shared_ptr<const Published>> Issuers::published(std::string issuer, bool anew) {
    if (!anew) {
        const std::lock_guard lock(mutex_);
        const auto at = kept_.find(issuer);
        if (at != kept_.end() && clock_.steady() - at->second.at < kept_for) co_return at->second.what;
    }
    std::string base = issuer;
    if (base.ends_with('/')) base.pop_back();
    const auto page = co_await get(base + "/.well-known/openid-configuration");
    if (text_in(page, "issuer") != issuer) silent("it calls itself another issuer than the one declared");
    auto made = std::make_shared<Published>();
    made->authorization_endpoint = text_in(page, "authorization_endpoint");
    made->token_endpoint = text_in(page, "token_endpoint");
    if (!is_fit_url(made->authorization_endpoint) || !is_fit_url(made->token_endpoint)) silent("its endpoints are no https URLs");
    made->keys = co_await get(text_in(page, "jwks_uri"));
    const std::lock_guard lock(mutex_);
    kept_[issuer] = {.what = made, .at = clock_.steady()};
    co_return made;
}

Task<std::string> Issuers::id_token(IdentityProvider provider, std::string secret, std::string code, std::string verifier,
                                    std::string callback) {
    const auto known = co_await published(provider.issuer);
    const auto at = http::parse_url(known->token_endpoint);
    http::Outgoing request;
    request.method = "POST";
    request.path = at->path;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.headers.add("Accept", "application/json");
    if (!secret.empty())
        request.headers.add("Authorization",
                            "Basic " + base64(http::percent_encode(provider.client_id) + ":" + http::percent_encode(secret)));
    request.body = form({{"grant_type", "authorization_code"},
                         {"code", code},
                         {"redirect_uri", callback},
                         {"client_id", provider.client_id},
                         {"code_verifier", verifier}});
    auto& client = client_(co_await asio::this_coro::executor);
    const auto answer = co_await client.fetch(at->target, std::move(request), answer_max);
    if (!answer) silent(answer.error().said);
    const auto json = parse_json(answer->body);
    if (answer->status != 200 || !json) {
        const auto why = json ? text_in(*json, "error").substr(0, 100) : std::string();
        throw Error(Fault::unauthenticated, fmt::format("The identity provider gave no token ({}). Sign in again.",
                                                        why.empty() ? std::to_string(answer->status) : why));
    }
    co_return text_in(*json, "id_token");
}

}  // namespace meridian::identity
