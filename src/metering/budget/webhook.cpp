#include "metering/budget/webhook.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hmac.h"
#include "base/json.h"
#include "base/log.h"

namespace meridian::metering {
namespace {

constexpr Duration look_every = std::chrono::seconds(2);
constexpr std::int64_t at_once = 20;
// Half a minute, then twice as long each time: some four days in all.
constexpr std::int64_t attempts_max = 14;
constexpr std::chrono::seconds first_wait{30};
constexpr std::string_view key_prefix = "whsec_";

std::string id_of(const rows::Alert& alert) {
    return fmt::format("budget_{}_{}_{}", alert.budget.str(), unix_seconds(alert.from), alert.percent);
}

}  // namespace

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

Task<std::string> AlertSender::attempt(const Budget& budget, const rows::Alert& alert) {
    const auto url = http::parse_url(budget.webhook_url);
    if (!url) co_return std::string("its URL cannot be read");
    std::string secret;
    if (!budget.webhook_secret.empty()) {
        const auto sealed = unbase64(budget.webhook_secret);
        auto opened = sealed ? sealing_.open(*sealed, webhook_secret_context) : complaint("it is damaged");
        if (!opened) co_return std::string("its secret cannot be read");
        secret = std::move(*opened);
    }
    auto sent = co_await client_.send(url->target, webhook_request(budget, alert, url->path, secret, clock_.now()));
    if (!sent) co_return sent.error().said;
    const auto status = (*sent)->status();
    co_return status >= 200 && status < 300 ? std::string() : fmt::format("it answered {}", status);
}

Task<> AlertSender::send(rows::Alert alert) {
    const auto budget = co_await store_.read([&alert](store::Tx& tx) { return rows::budget(tx, alert.budget); });
    if (!budget) co_return;
    const auto why = budget->webhook_url.empty() ? std::string("it has no URL any more") : co_await attempt(*budget, alert);
    const auto now = clock_.now();
    ++alert.attempts;
    alert.next_attempt_at.reset();
    if (why.empty()) {
        alert.delivered_at = now;
    } else if (alert.attempts < attempts_max && !budget->webhook_url.empty()) {
        alert.next_attempt_at = now + first_wait * (std::int64_t{1} << std::min<std::int64_t>(alert.attempts - 1, 13));
    }
    if (!why.empty()) log::warn("metering", "the webhook of budget {} was not told: {}", alert.budget.str(), why);
    co_await store_.write([&alert](store::Tx& tx) { rows::update(tx, alert); });
}

Task<> AlertSender::run() {
    for (;;) {
        co_await clock_.sleep(look_every);
        try {
            const auto due = co_await store_.read([now = clock_.now()](store::Tx& tx) { return rows::due_alerts(tx, now, at_once); });
            for (const auto& alert : due) co_await send(alert);
        } catch (const Error& e) {
            log::error("metering", "alerts cannot be sent: {} {}", e.said, e.logged);
        }
    }
}

}  // namespace meridian::metering
