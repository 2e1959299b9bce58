// Budgets: how much the runs of a scope may cost in a window of time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/money.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "metering/books/usage.h"
#include "resource/fields.h"

namespace meridian::metering {

enum class ScopeKind { organization, project, user, api_key };
constexpr auto names(As<ScopeKind>) {
    return words<ScopeKind>({{ScopeKind::organization, "organization"},
                             {ScopeKind::project, "project"},
                             {ScopeKind::user, "user"},
                             {ScopeKind::api_key, "api_key"}});
}

// `run`: each run by itself. Days and months are those of the budget's time zone, and are computed from the clock: nothing resets them.
enum class Period { run, day, month, total };
constexpr auto names(As<Period>) {
    return words<Period>({{Period::run, "run"}, {Period::day, "daily"}, {Period::month, "monthly"}, {Period::total, "total"}});
}

// Far from where sums of nano-euros end.
inline constexpr Money budget_max = Money::nanos(1'000'000'000'000'000'000);

using BudgetAlertId = Id<struct BudgetAlertTag>;
using BudgetNotificationId = Id<struct BudgetNotificationTag>;

enum class Channel { webhook, email };
constexpr auto names(As<Channel>) { return words<Channel>({{Channel::webhook, "webhook"}, {Channel::email, "email"}}); }

struct Recipients {
    Channel channel = Channel::webhook;
    std::vector<std::string> addresses;  // URLs, or e-mail addresses
};
// Who is told of one alert, besides the budget's own webhook.
struct BudgetNotification {
    BudgetNotificationId id;
    Channel channel = Channel::webhook;
    std::vector<std::string> recipients;
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<BudgetNotification>) {
    using T = BudgetNotification;
    return fields(field("id", &T::id), field("channel", &T::channel), field("recipients", &T::recipients),
                  field("created_at", &T::created_at), field("updated_at", &T::updated_at));
}
// A share of the limit that is told of when it is spent, once in a window.
struct AlertRule {
    BudgetAlertId id;
    std::uint32_t percent = 0;
    std::vector<BudgetNotification> notifications;
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<AlertRule>) {
    using T = AlertRule;
    return fields(field("id", &T::id), field("percent", &T::percent), field("notifications", &T::notifications),
                  field("created_at", &T::created_at), field("updated_at", &T::updated_at));
}

struct Budget {
    BudgetId id;
    OrganizationId organization;
    std::string name;
    ScopeKind scope = ScopeKind::organization;
    std::string scope_id;  // an id, or an access key
    Money limit;
    Period period = Period::month;
    std::string time_zone = "Etc/UTC";
    bool is_hard = true;  // refuses; else it only tells
    bool enabled = true;
    std::vector<AlertRule> alerts;  // no two of the same percent
    std::string webhook_url;        // hears of every alert; "": there is none
    std::string webhook_secret;     // sealed; signs what goes to any webhook of the budget
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<Budget>) {
    return fields(field("id", &Budget::id), field("organization_id", &Budget::organization, column("organization")),
                  field("name", &Budget::name), field("scope", &Budget::scope), field("scope_id", &Budget::scope_id),
                  field("limit", &Budget::limit, column("limit_nanos")), field("period", &Budget::period),
                  field("time_zone", &Budget::time_zone), field("hard", &Budget::is_hard, column("is_hard")),
                  field("enabled", &Budget::enabled), field("alerts", &Budget::alerts), field("webhook_url", &Budget::webhook_url),
                  field("webhook_secret", &Budget::webhook_secret, write_only), field("created_at", &Budget::created_at),
                  field("updated_at", &Budget::updated_at));
}

// What a webhook's secret is sealed for.
inline constexpr std::string_view webhook_secret_context = "budget webhook";

// Nothing where the id is none of its kind.
std::optional<Scope> scope_of(ScopeKind kind, const std::string& id);

// The time that a moment's spending counts in. `total` has one window for ever; `run` has none.
Span window_of(Period period, const TimeZone& zone, Timestamp t);

// A durable part of a budget's window that one zone may spend. `granted` is all that was lent to it in the window, spent or not.
struct Lease {
    BudgetId budget;
    Timestamp from;  // of the window
    Money granted;
    Money unaccounted;  // lost by power cuts: counts against the budget, is on no bill
    Timestamp expires_at;
};

}  // namespace meridian::metering
