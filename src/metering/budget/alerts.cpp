// The budgets' part for alerts: their rules one by one, and raising them.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "metering/budget/rules.h"
#include "metering/budget/service.h"

namespace meridian::metering {
namespace {

std::vector<rows::Delivery> deliveries_of(const Budget& budget, const AlertRule& rule, Timestamp now) {
    std::vector<rows::Delivery> made;
    if (!budget.webhook_url.empty()) made.push_back({Channel::webhook, "", std::nullopt, 0, now});
    for (const auto& notification : rule.notifications)
        for (const auto& address : notification.recipients) made.push_back({notification.channel, address, std::nullopt, 0, now});
    return made;
}

// "budget alert" as the word of an error: "budget_alert".
std::string resource_of(std::string what) {
    std::ranges::replace(what, ' ', '_');
    return what;
}

bool is_told(const std::vector<rows::RaisedAlert>& raised, std::uint32_t percent, const rows::Delivery& delivery) {
    const auto alert = std::ranges::find(raised, percent, &rows::RaisedAlert::percent);
    return alert != raised.end() && std::ranges::any_of(alert->deliveries, [&](const rows::Delivery& there) {
               return there.channel == delivery.channel && there.recipient == delivery.recipient;
           });
}

}  // namespace

// What a budget says from now on, and what it tells of it at once: a share that was just named may be spent already.
Task<> Budgets::learn(BudgetId id) {
    co_await on(store_.pool(), [this, id] {
        know();
        raise_alerts(id);
    });
}

Task<> Budgets::edit(identity::Caller by, std::string what, std::string id, std::function<bool(Budget&, Timestamp)> apply) {
    const auto now = clock_.now();
    const auto edited = co_await store_.write(identity::author_of(by), [&by, &what, &id, &apply, now](store::Tx& tx) {
        for (auto& budget : rows::budgets_of(tx, by.organization)) {
            if (!sees(by, budget) || !apply(budget, now)) continue;
            check(budget);
            budget.updated_at = now;
            rows::update(tx, budget);
            return budget.id;
        }
        throw Error(Fault::not_found, fmt::format("There is no such {}.", what)).about(resource_of(what), id);
    });
    co_await learn(edited);
}

Task<AlertRule> Budgets::add_alert(identity::Caller by, BudgetId id, std::uint32_t percent) {
    AlertRule made{BudgetAlertId::random(rng_), percent, {}, clock_.now(), clock_.now()};
    co_await edit(std::move(by), "budget", id.str(), [&made, id](Budget& found, Timestamp) {
        if (found.id != id) return false;
        found.alerts.push_back(made);
        return true;
    });
    co_return made;
}

Task<AlertRule> Budgets::change_alert(identity::Caller by, BudgetAlertId id, std::uint32_t percent) {
    AlertRule changed;
    co_await edit(std::move(by), "budget alert", id.str(), [&changed, id, percent](Budget& found, Timestamp now) {
        auto* alert = find_alert(found, id);
        if (!alert) return false;
        alert->percent = percent;
        alert->updated_at = now;
        changed = *alert;
        return true;
    });
    co_return changed;
}

Task<> Budgets::remove_alert(identity::Caller by, BudgetAlertId id) {
    co_await edit(std::move(by), "budget alert", id.str(), [id](Budget& found, Timestamp) {
        return std::erase_if(found.alerts, [&](const AlertRule& a) { return a.id == id; }) > 0;
    });
}

Task<BudgetNotification> Budgets::add_notification(identity::Caller by, BudgetAlertId id, Recipients to) {
    check(to, options_.mail);
    BudgetNotification made{BudgetNotificationId::random(rng_), to.channel, std::move(to.addresses), clock_.now(), clock_.now()};
    co_await edit(std::move(by), "budget alert", id.str(), [&made, id](Budget& found, Timestamp) {
        auto* alert = find_alert(found, id);
        if (!alert) return false;
        alert->notifications.push_back(made);
        return true;
    });
    co_return made;
}

Task<BudgetNotification> Budgets::change_notification(identity::Caller by, BudgetNotificationId id, Recipients to) {
    check(to, options_.mail);
    BudgetNotification changed;
    co_await edit(std::move(by), "budget alert notification", id.str(), [&changed, &to, id](Budget& found, Timestamp now) {
        auto* notification = find_notification(found, id);
        if (!notification) return false;
        notification->channel = to.channel;
        notification->recipients = to.addresses;
        notification->updated_at = now;
        changed = *notification;
        return true;
    });
    co_return changed;
}

Task<> Budgets::remove_notification(identity::Caller by, BudgetNotificationId id) {
    co_await edit(std::move(by), "budget alert notification", id.str(), [id](Budget& found, Timestamp) {
        bool is_removed = false;
        for (auto& alert : found.alerts)
            is_removed = std::erase_if(alert.notifications, [&](const BudgetNotification& n) { return n.id == id; }) > 0 || is_removed;
        return is_removed;
    });
}

// Whoever was added to an alert after it was raised is told of it too: clients make the alert first and its recipients then.
void Budgets::raise_alerts(const BudgetId& id) {
    const auto now = clock_.now();
    const auto state = meter_.budget(id, now);
    if (!state || state->budget.alerts.empty() || !state->budget.enabled) return;
    const auto& budget = state->budget;
    const auto used = state->spent + state->unaccounted;
    if (used == Money()) return;  // also of a limit of nothing
    std::vector<const AlertRule*> reached;
    for (const auto& rule : budget.alerts)
        if (static_cast<__int128>(used.count()) * 100 >= static_cast<__int128>(budget.limit.count()) * rule.percent)
            reached.push_back(&rule);
    if (reached.empty()) return;
    const auto raised = store_.read_now([&](store::Tx& tx) { return rows::alerts_in(tx, id, state->window.from); });
    std::vector<std::pair<rows::Alert, std::vector<rows::Delivery>>> news;
    for (const auto* rule : reached) {
        auto tell = deliveries_of(budget, *rule, now);
        std::erase_if(tell, [&](const rows::Delivery& delivery) { return is_told(raised, rule->percent, delivery); });
        const bool is_new = std::ranges::find(raised, rule->percent, &rows::RaisedAlert::percent) == raised.end();
        if (is_new || !tell.empty()) news.push_back({{id, state->window.from, rule->percent, used, now}, std::move(tell)});
    }
    if (news.empty()) return;
    store_.write_now([&](store::Tx& tx) {
        if (!rows::budget(tx, id)) return;
        for (const auto& [alert, tell] : news) {
            if (rows::raise(tx, alert))
                log::warn("metering", "budget {}: {} percent of {} EUR are spent", id.str(), alert.percent, budget.limit.str());
            for (const auto& delivery : tell) rows::tell(tx, alert, delivery);
        }
    });
}

}  // namespace meridian::metering
