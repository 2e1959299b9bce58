// Scaleway's billing/v2: the monthly budgets of an organization, as their clients know budgets. A view, and nothing of its own.
#include <fmt/format.h>

#include <algorithm>

#include "http/typed.h"
#include "metering/books/sight.h"
#include "metering/budget/rules.h"
#include "metering/budget/service.h"

namespace meridian::metering {
namespace {

using http::Call;
using identity::Caller;

constexpr std::uint32_t euros_max = 1'000'000'000;  // as much as any budget
static_assert(budget_max == Money::nanos(std::int64_t{euros_max} * 1'000'000'000));

bool is_shown(const Budget& budget) { return budget.scope == ScopeKind::organization && budget.period == Period::month; }
Money euros(std::uint32_t whole) { return Money::nanos(std::int64_t{whole} * 1'000'000'000); }

// --- What comes out.

struct NotificationView {
    BudgetNotificationId id;
    Timestamp created_at, updated_at;
    Channel type{};
    std::vector<std::string> recipients;
};
constexpr auto schema_name(As<NotificationView>) { return std::string_view("billing.BudgetAlertNotification"); }
constexpr auto describe(As<NotificationView>) {
    using T = NotificationView;
    return fields(field("id", &T::id), field("created_at", &T::created_at), field("updated_at", &T::updated_at), field("type", &T::type),
                  field("recipients", &T::recipients));
}
NotificationView view_of(const BudgetNotification& n) { return {n.id, n.created_at, n.updated_at, n.channel, n.recipients}; }

struct RuleView {
    BudgetAlertId id;
    Timestamp created_at, updated_at;
    std::uint32_t threshold = 0;
    std::vector<NotificationView> notifications;
};
constexpr auto schema_name(As<RuleView>) { return std::string_view("billing.BudgetAlert"); }
constexpr auto describe(As<RuleView>) {
    using T = RuleView;
    return fields(field("id", &T::id), field("created_at", &T::created_at), field("updated_at", &T::updated_at),
                  field("threshold", &T::threshold), field("notifications", &T::notifications));
}
RuleView view_of(const AlertRule& rule) {
    RuleView view{rule.id, rule.created_at, rule.updated_at, rule.percent, {}};
    for (const auto& notification : rule.notifications) view.notifications.push_back(view_of(notification));
    return view;
}

struct LimitView {
    BudgetId id;
    Timestamp created_at, updated_at;
    OrganizationId organization_id;
    bool enabled = true;
    Json consumption_limit;
    std::vector<RuleView> alerts;
};
constexpr auto schema_name(As<LimitView>) { return std::string_view("billing.Budget"); }
constexpr auto describe(As<LimitView>) {
    using T = LimitView;
    return fields(field("id", &T::id), field("created_at", &T::created_at), field("updated_at", &T::updated_at),
                  field("organization_id", &T::organization_id), field("enabled", &T::enabled),
                  field("consumption_limit", &T::consumption_limit, help("Money")), field("alerts", &T::alerts));
}
LimitView view_of(const Budget& budget) {
    LimitView view{budget.id, budget.created_at, budget.updated_at, budget.organization, budget.enabled, money_json(budget.limit), {}};
    for (const auto& rule : budget.alerts) view.alerts.push_back(view_of(rule));
    return view;
}
using LimitList = http::Listed<"budgets", LimitView>;

// --- What goes in.

struct ListWish {
    std::optional<OrganizationId> organization_id;
};
constexpr auto describe(As<ListWish>) { return fields(field("organization_id", &ListWish::organization_id)); }

struct CreateLimit {
    std::optional<OrganizationId> organization_id;
    std::uint32_t consumption_limit = 0;
    bool enabled = false;
};
constexpr auto schema_name(As<CreateLimit>) { return std::string_view("billing.CreateBudgetRequest"); }
constexpr auto describe(As<CreateLimit>) {
    using T = CreateLimit;
    return fields(field("organization_id", &T::organization_id),
                  field("consumption_limit", &T::consumption_limit, range{0, euros_max}, help("whole euros")),
                  field("enabled", &T::enabled));
}

struct ChangeLimit {
    std::optional<std::uint32_t> consumption_limit;
    std::optional<bool> enabled;
};
constexpr auto schema_name(As<ChangeLimit>) { return std::string_view("billing.UpdateBudgetRequest"); }
constexpr auto describe(As<ChangeLimit>) {
    using T = ChangeLimit;
    return fields(field("consumption_limit", &T::consumption_limit, range{0, euros_max}), field("enabled", &T::enabled));
}

struct CreateRule {
    BudgetId budget_id;
    std::uint32_t threshold = 0;
};
constexpr auto schema_name(As<CreateRule>) { return std::string_view("billing.CreateBudgetAlertRequest"); }
constexpr auto describe(As<CreateRule>) {
    using T = CreateRule;
    return fields(field("budget_id", &T::budget_id),
                  field("threshold", &T::threshold, range{1, percent_max}, help("percent of the limit")));
}

struct ChangeRule {
    std::uint32_t threshold = 0;
};
constexpr auto schema_name(As<ChangeRule>) { return std::string_view("billing.UpdateBudgetAlertRequest"); }
constexpr auto describe(As<ChangeRule>) { return fields(field("threshold", &ChangeRule::threshold, range{1, percent_max})); }

using Addresses = std::optional<std::vector<std::string>>;
struct ChangeNotification {
    Addresses sms_phone_numbers, email_addresses, webhook_urls;
};
constexpr auto schema_name(As<ChangeNotification>) { return std::string_view("billing.UpdateBudgetAlertNotificationRequest"); }
constexpr auto describe(As<ChangeNotification>) {
    using T = ChangeNotification;
    return fields(field("sms_phone_numbers", &T::sms_phone_numbers, at_most{recipients_max}),
                  field("email_addresses", &T::email_addresses, at_most{recipients_max}),
                  field("webhook_urls", &T::webhook_urls, at_most{recipients_max}));
}
struct CreateNotification {
    BudgetAlertId budget_alert_id;
    Addresses sms_phone_numbers, email_addresses, webhook_urls;
};
constexpr auto schema_name(As<CreateNotification>) { return std::string_view("billing.CreateBudgetAlertNotificationRequest"); }
constexpr auto describe(As<CreateNotification>) {
    using T = CreateNotification;
    return fields(field("budget_alert_id", &T::budget_alert_id), field("sms_phone_numbers", &T::sms_phone_numbers, at_most{recipients_max}),
                  field("email_addresses", &T::email_addresses, at_most{recipients_max}),
                  field("webhook_urls", &T::webhook_urls, at_most{recipients_max}));
}

// Exactly one list has to be there; one without anybody counts as absent.
Recipients recipients_in(const Addresses& sms, const Addresses& email, const Addresses& webhook) {
    const auto is_there = [](const Addresses& list) { return list && !list->empty(); };
    if (is_there(sms))
        throw invalid("sms_phone_numbers", FieldProblem::Reason::constraint,
                      "cannot be told, for no text messages are sent from here; name webhook_urls or email_addresses instead");
    if (is_there(email) == is_there(webhook))
        throw invalid("webhook_urls", FieldProblem::Reason::constraint,
                      "must name at least one recipient where email_addresses has none, and none where it has one");
    return is_there(webhook) ? Recipients{Channel::webhook, *webhook} : Recipients{Channel::email, *email};
}

// --- The handlers.

Task<Budget> shown(Budgets& budgets, Caller by, BudgetId id) {
    auto found = co_await budgets.find(by, id);
    if (!is_shown(found)) throw Error(Fault::not_found, "There is no such budget.").about("budget", id.str());
    co_return found;
}

Task<LimitList> list_budgets(Budgets& budgets, Call<ListWish> call) {
    const auto page = call.page();
    const auto caller = call.caller_as<Caller>();
    Sight::check_organization(caller, call.in.organization_id);
    auto all = co_await budgets.list(caller);
    std::erase_if(all, [](const Budget& budget) { return !is_shown(budget); });
    co_return LimitList(mapped(page_of(std::move(all), page), [](const Budget& budget) { return view_of(budget); }));
}

Task<LimitView> get_budget(Budgets& budgets, Call<> call) {
    co_return view_of(co_await shown(budgets, call.caller_as<Caller>(), http::id_param<BudgetId>(call, "budget_id")));
}

// Scaleway's budgets tell and refuse nobody, so these are soft; whoever wants more says so of the same budget in our own API.
Task<http::Created<LimitView>> create_budget(Budgets& budgets, Call<CreateLimit> call) {
    const auto caller = call.caller_as<Caller>();
    Sight::check_organization(caller, call.in.organization_id);
    BudgetWish wish{.limit = euros(call.in.consumption_limit), .hard = false, .enabled = call.in.enabled};
    co_return http::Created<LimitView>{view_of(co_await budgets.create(caller, std::move(wish)))};
}

Task<LimitView> update_budget(Budgets& budgets, Call<ChangeLimit> call) {
    const auto caller = call.caller_as<Caller>();
    const auto id = (co_await shown(budgets, caller, http::id_param<BudgetId>(call, "budget_id"))).id;
    BudgetChange change{.enabled = call.in.enabled};
    if (call.in.consumption_limit) change.limit = euros(*call.in.consumption_limit);
    co_return view_of(co_await budgets.change(caller, id, std::move(change)));
}

Task<http::NoContent> delete_budget(Budgets& budgets, Call<> call) {
    const auto caller = call.caller_as<Caller>();
    const auto id = (co_await shown(budgets, caller, http::id_param<BudgetId>(call, "budget_id"))).id;
    co_await budgets.remove(caller, id);
    co_return http::NoContent{};
}

Task<http::Created<RuleView>> create_alert(Budgets& budgets, Call<CreateRule> call) {
    co_return http::Created<RuleView>{view_of(co_await budgets.add_alert(call.caller_as<Caller>(), call.in.budget_id, call.in.threshold))};
}

Task<RuleView> update_alert(Budgets& budgets, Call<ChangeRule> call) {
    const auto id = http::id_param<BudgetAlertId>(call, "budget_alert_id");
    co_return view_of(co_await budgets.change_alert(call.caller_as<Caller>(), id, call.in.threshold));
}

Task<http::NoContent> delete_alert(Budgets& budgets, Call<> call) {
    co_await budgets.remove_alert(call.caller_as<Caller>(), http::id_param<BudgetAlertId>(call, "budget_alert_id"));
    co_return http::NoContent{};
}

Task<http::Created<NotificationView>> create_notification(Budgets& budgets, Call<CreateNotification> call) {
    const auto& in = call.in;
    auto to = recipients_in(in.sms_phone_numbers, in.email_addresses, in.webhook_urls);
    co_return http::Created<NotificationView>{
        view_of(co_await budgets.add_notification(call.caller_as<Caller>(), in.budget_alert_id, std::move(to)))};
}

Task<NotificationView> update_notification(Budgets& budgets, Call<ChangeNotification> call) {
    const auto& in = call.in;
    auto to = recipients_in(in.sms_phone_numbers, in.email_addresses, in.webhook_urls);
    const auto id = http::id_param<BudgetNotificationId>(call, "budget_alert_notification_id");
    co_return view_of(co_await budgets.change_notification(call.caller_as<Caller>(), id, std::move(to)));
}

Task<http::NoContent> delete_notification(Budgets& budgets, Call<> call) {
    const auto id = http::id_param<BudgetNotificationId>(call, "budget_alert_notification_id");
    co_await budgets.remove_notification(call.caller_as<Caller>(), id);
    co_return http::NoContent{};
}

}  // namespace

void add_scaleway_budget_routes(http::Router& router, Budgets& budgets) {
    // Alerts and recipients are parts of a budget: whoever may change it may make and remove them.
    const auto may = [](std::string action) { return http::Permission(std::move(action), "budgets"); };
    const auto add = [&]<class In, class Out>(const char* method, const std::string& path, std::string action, const char* id,
                                              const char* summary, Task<Out> (*run)(Budgets&, Call<In>)) {
        router.add(http::typed<In, Out>(method, "/billing/v2/" + path, may(std::move(action)), http::Dialect::scaleway,
                                        http::doc(id, summary, "billing"),
                                        [&budgets, run](Call<In> call) { return run(budgets, std::move(call)); }));
    };
    const std::string all = "budgets", one = all + "/{budget_id}";
    add("GET", all, "read", "ListBudgets", "List the monthly budgets of the organization", list_budgets);
    add("POST", all, "create", "CreateBudget", "Make a monthly budget that tells", create_budget);
    add("GET", one, "read", "GetBudget", "A monthly budget", get_budget);
    add("PATCH", one, "update", "UpdateBudget", "Change a monthly budget", update_budget);
    add("DELETE", one, "remove", "DeleteBudget", "Remove a monthly budget", delete_budget);
    const std::string alerts = "budget-alerts", alert = alerts + "/{budget_alert_id}";
    add("POST", alerts, "update", "CreateBudgetAlert", "Tell of a share of a budget", create_alert);
    add("PATCH", alert, "update", "UpdateBudgetAlert", "Tell of another share", update_alert);
    add("DELETE", alert, "update", "DeleteBudgetAlert", "Tell of it no more", delete_alert);
    const std::string told = "budget-alert-notifications", each = told + "/{budget_alert_notification_id}";
    add("POST", told, "update", "CreateBudgetAlertNotification", "Add recipients to an alert", create_notification);
    add("PATCH", each, "update", "UpdateBudgetAlertNotification", "Change the recipients", update_notification);
    add("DELETE", each, "update", "DeleteBudgetAlertNotification", "Remove the recipients", delete_notification);
}

}  // namespace meridian::metering
