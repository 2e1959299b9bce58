#include "metering/budget/webhook.h"

#include <fmt/format.h>

#include "base/hmac.h"
#include "base/json.h"

namespace meridian::metering {
namespace {

constexpr std::string_view key_prefix = "whsec_";

}  // namespace

std::string id_of(const rows::Alert& alert) {
    return fmt::format("budget_{}_{}_{}", alert.budget.str(), unix_seconds(alert.from), alert.percent);
}

std::string webhook_key(std::string_view secret) {
    if (!secret.starts_with(key_prefix)) return std::string(secret);
    return unbase64(secret.substr(key_prefix.size())).value_or(std::string(secret));
}

http::Outgoing webhook_request(const Budget& budget, const rows::Alert& alert, const std::string& path, std::string_view secret,
                               Timestamp now) {
    http::Outgoing out;
    out.method = "POST";
    out.path = path;
    out.body = to_text(JsonObject{{"type", "budget.alert"},
                                  {"timestamp", rfc3339(alert.raised_at)},
                                  {"data", JsonObject{{"budget_id", budget.id.str()},
                                                      {"budget_name", budget.name},
                                                      {"scope", word(budget.scope)},
                                                      {"scope_id", budget.scope_id},
                                                      {"period", word(budget.period)},
                                                      {"window_from", rfc3339(alert.from)},
                                                      {"percent", alert.percent},
                                                      {"spent", alert.spent.str()},
                                                      {"limit", budget.limit.str()},
                                                      {"currency", "EUR"}}}});
    const auto id = id_of(alert), time = std::to_string(unix_seconds(now));
    out.headers.add("Content-Type", "application/json");
    out.headers.add("webhook-id", id);
    out.headers.add("webhook-timestamp", time);
    if (!secret.empty()) {
        const auto code = hmac_sha256(webhook_key(secret), id + "." + time + "." + out.body);
        out.headers.add("webhook-signature", "v1," + base64(as_view(code)));
    }
    return out;
}

}  // namespace meridian::metering
