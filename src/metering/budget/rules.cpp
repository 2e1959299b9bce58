#include "metering/budget/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "http/client.h"
#include "resource/json_bind.h"

namespace meridian::metering {
namespace {

bool is_url(const std::string& text) {
    const auto url = http::parse_url(text);
    return url && !url->target.host.empty();
}

// One plain address: what a gateway could take for a list, a name or a header's end is none.
bool is_email_address(std::string_view text) {
    const auto at = text.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.find('@', at + 1) != std::string_view::npos) return false;
    return std::ranges::all_of(
        text, [](char c) { return c > ' ' && c < 0x7F && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos; });
}

void check_alerts(const Budget& budget) {
    std::set<std::uint32_t> percents;
    std::size_t recipients = 0;
    for (const auto& alert : budget.alerts) {
        if (!percents.insert(alert.percent).second)
            throw Error(Fault::conflict, fmt::format("This budget has an alert at {} percent already.", alert.percent))
                .about("budget_alert", alert.id.str());
        for (const auto& notification : alert.notifications) recipients += notification.recipients.size();
    }
    if (budget.alerts.size() > alerts_max)
        throw Error(Fault::quota, fmt::format("A budget has at most {} alerts. Remove one first.", alerts_max)).about("budget_alerts", "");
    if (recipients > recipients_max)
        throw Error(Fault::quota, fmt::format("The alerts of a budget have at most {} recipients. Remove some first.", recipients_max))
            .about("budget_recipients", "");
}

}  // namespace

std::vector<std::uint32_t> percents_of(const Budget& budget) {
    std::vector<std::uint32_t> made;
    for (const auto& alert : budget.alerts) made.push_back(alert.percent);
    return made;
}

void set_percents(Budget& budget, const std::vector<std::uint32_t>& percents, Timestamp now, Rng& rng) {
    std::vector<AlertRule> made;
    for (const auto percent : percents) {
        if (std::ranges::find(made, percent, &AlertRule::percent) != made.end()) continue;
        const auto there = std::ranges::find(budget.alerts, percent, &AlertRule::percent);
        made.push_back(there != budget.alerts.end() ? *there : AlertRule{BudgetAlertId::random(rng), percent, {}, now, now});
    }
    budget.alerts = std::move(made);
}

AlertRule* find_alert(Budget& budget, const BudgetAlertId& id) {
    const auto found = std::ranges::find(budget.alerts, id, &AlertRule::id);
    return found != budget.alerts.end() ? &*found : nullptr;
}

BudgetNotification* find_notification(Budget& budget, const BudgetNotificationId& id) {
    for (auto& alert : budget.alerts) {
        const auto found = std::ranges::find(alert.notifications, id, &BudgetNotification::id);
        if (found != alert.notifications.end()) return &*found;
    }
    return nullptr;
}

bool is_recipient(const Budget& budget, std::uint32_t percent, Channel channel, const std::string& address) {
    const auto alert = std::ranges::find(budget.alerts, percent, &AlertRule::percent);
    if (alert == budget.alerts.end()) return false;
    if (address.empty()) return channel == Channel::webhook && !budget.webhook_url.empty();
    return std::ranges::any_of(alert->notifications, [&](const BudgetNotification& n) {
        return n.channel == channel && std::ranges::find(n.recipients, address) != n.recipients.end();
    });
}

void check(const Recipients& to, Mail mail) {
    const bool by_hook = to.channel == Channel::webhook;
    const std::string field = by_hook ? "webhook_urls" : "email_addresses";
    if (to.addresses.empty()) throw invalid(field, FieldProblem::Reason::constraint, "must name at least one recipient");
    if (!by_hook && mail == Mail::not_sent)
        throw invalid(
            field, FieldProblem::Reason::constraint,
            "cannot be told, for this installation sends no e-mail: it was started without --mail-hook; name webhook_urls instead");
    for (const auto& address : to.addresses) {
        if (by_hook && (address.size() > hook_url_max || !is_url(address)))
            throw invalid(field, FieldProblem::Reason::format,
                          fmt::format("must be URLs that begin with https:// or http://, of at most {} bytes", hook_url_max));
        if (!by_hook && (address.size() > email_address_max || !is_email_address(address)))
            throw invalid(field, FieldProblem::Reason::format,
                          fmt::format("must be plain e-mail addresses such as name@example.org, of at most {} bytes", email_address_max));
    }
}

void check(const Budget& budget) {
    if (!TimeZone::find(budget.time_zone))
        throw invalid("time_zone", FieldProblem::Reason::constraint, "must be a time zone of the IANA database, such as Europe/Paris");
    if (budget.limit < Money() || budget.limit > budget_max)
        throw invalid("limit", FieldProblem::Reason::constraint, fmt::format("must be from 0 to {} EUR", budget_max.str()));
    if (!budget.webhook_url.empty() && !is_url(budget.webhook_url))
        throw invalid("webhook_url", FieldProblem::Reason::format, "must be a URL that begins with https:// or http://");
    if (budget.period == Period::run && !budget.alerts.empty())
        throw invalid("alerts", FieldProblem::Reason::constraint, "must be empty for a limit by the run, which is never used up");
    check_alerts(budget);
}

}  // namespace meridian::metering
