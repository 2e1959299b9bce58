// /meridian/v1/budgets
#include <algorithm>

#include "http/typed.h"
#include "metering/budget/rules.h"
#include "metering/budget/service.h"

namespace meridian::metering {

namespace {

using http::Call;
using identity::Caller;

// Amounts are euros as decimal texts: "0.25".
Money money_in(const std::string& text) {
    const auto made = Money::parse(text);
    if (!made)
        throw invalid("limit", FieldProblem::Reason::format,
                      "must be euros as a decimal text with at most nine decimals, such as \"0.25\"");
    return *made;
}

struct CreateBudget {
    std::string name;
    ScopeKind scope = ScopeKind::organization;
    std::string scope_id, limit;
    Period period = Period::month;
    std::string time_zone = "Etc/UTC";
    bool hard = true, enabled = true;
    std::vector<std::uint32_t> alerts;
    std::string webhook_url, webhook_secret;
};
constexpr auto schema_name(As<CreateBudget>) { return std::string_view("CreateBudgetRequest"); }
constexpr auto describe(As<CreateBudget>) {
    using T = CreateBudget;
    return fields(field("name", &T::name, defaulted, length{0, 128}), field("scope", &T::scope, defaulted),
                  field("scope_id", &T::scope_id, defaulted, length{0, 64}), field("limit", &T::limit, length{1, 32}),
                  field("period", &T::period, defaulted), field("time_zone", &T::time_zone, defaulted, length{1, 64}),
                  field("hard", &T::hard, defaulted), field("enabled", &T::enabled, defaulted),
                  field("alerts", &T::alerts, at_most{alerts_max}, range{1, percent_max}),
                  field("webhook_url", &T::webhook_url, defaulted, length{0, hook_url_max}),
                  field("webhook_secret", &T::webhook_secret, defaulted, length{0, 256}, write_only));
}

struct UpdateBudget {
    std::optional<std::string> name, limit;
    std::optional<bool> hard, enabled;
    std::optional<std::vector<std::uint32_t>> alerts;
    std::optional<std::string> webhook_url, webhook_secret;
};
constexpr auto schema_name(As<UpdateBudget>) { return std::string_view("UpdateBudgetRequest"); }
constexpr auto describe(As<UpdateBudget>) {
    using T = UpdateBudget;
    return fields(field("name", &T::name, length{0, 128}), field("limit", &T::limit, length{1, 32}), field("hard", &T::hard),
                  field("enabled", &T::enabled), field("alerts", &T::alerts, at_most{alerts_max}, range{1, percent_max}),
                  field("webhook_url", &T::webhook_url, length{0, hook_url_max}),
                  field("webhook_secret", &T::webhook_secret, length{0, 256}, write_only));
}

// `spent` is the sum of the receipts of runs that began in the window.
struct BudgetView {
    BudgetId id;
    OrganizationId organization_id;
    std::string name;
    ScopeKind scope{};
    std::string scope_id;
    std::string limit;
    Period period{};
    std::string time_zone;
    bool hard = true, enabled = true;
    std::vector<std::uint32_t> alerts;
    std::vector<AlertRule> alert_rules;  // the same with their ids, and with the recipients that billing/v2 gave them
    std::string webhook_url;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> window_from = std::nullopt, window_to = std::nullopt;
    std::optional<std::string> spent = std::nullopt, reserved = std::nullopt, unaccounted = std::nullopt, available = std::nullopt;
};
constexpr auto schema_name(As<BudgetView>) { return std::string_view("Budget"); }
constexpr auto describe(As<BudgetView>) {
    return fields(field("id", &BudgetView::id), field("organization_id", &BudgetView::organization_id), field("name", &BudgetView::name),
                  field("scope", &BudgetView::scope), field("scope_id", &BudgetView::scope_id), field("limit", &BudgetView::limit),
                  field("period", &BudgetView::period), field("time_zone", &BudgetView::time_zone), field("hard", &BudgetView::hard),
                  field("enabled", &BudgetView::enabled), field("alerts", &BudgetView::alerts),
                  field("alert_rules", &BudgetView::alert_rules), field("webhook_url", &BudgetView::webhook_url),
                  field("created_at", &BudgetView::created_at), field("updated_at", &BudgetView::updated_at),
                  field("window_from", &BudgetView::window_from), field("window_to", &BudgetView::window_to),
                  field("spent", &BudgetView::spent), field("reserved", &BudgetView::reserved),
                  field("unaccounted", &BudgetView::unaccounted), field("available", &BudgetView::available));
}

struct DeliveryView {
    Channel channel{};
    std::string recipient;
    std::optional<Timestamp> delivered_at;
    std::int64_t attempts = 0;
    std::optional<Timestamp> next_attempt_at;
};
constexpr auto schema_name(As<DeliveryView>) { return std::string_view("BudgetAlertDelivery"); }
constexpr auto describe(As<DeliveryView>) {
    using T = DeliveryView;
    return fields(field("channel", &T::channel), field("recipient", &T::recipient, help("\"\": the budget's own webhook")),
                  field("delivered_at", &T::delivered_at), field("attempts", &T::attempts), field("next_attempt_at", &T::next_attempt_at));
}

// `delivered_at` and `attempts` are those of the budget's own webhook.
struct AlertView {
    std::uint32_t percent = 0;
    std::string spent;
    Timestamp window_from, raised_at;
    std::optional<Timestamp> delivered_at;
    std::int64_t attempts = 0;
    std::vector<DeliveryView> deliveries;
};
constexpr auto schema_name(As<AlertView>) { return std::string_view("BudgetAlert"); }
constexpr auto describe(As<AlertView>) {
    return fields(field("percent", &AlertView::percent), field("spent", &AlertView::spent), field("window_from", &AlertView::window_from),
                  field("raised_at", &AlertView::raised_at), field("delivered_at", &AlertView::delivered_at),
                  field("attempts", &AlertView::attempts), field("deliveries", &AlertView::deliveries));
}

AlertView view_of(const rows::RaisedAlert& alert) {
    AlertView view{alert.percent, alert.spent.str(), alert.from, alert.raised_at, std::nullopt, 0, {}};
    for (const auto& each : alert.deliveries) {
        if (each.recipient.empty()) view.delivered_at = each.delivered_at, view.attempts = each.attempts;
        view.deliveries.push_back({each.channel, each.recipient, each.delivered_at, each.attempts, each.next_attempt_at});
    }
    return view;
}

BudgetView view_of(const Budget& budget, Budgets& budgets) {
    BudgetView view{.id = budget.id,
                    .organization_id = budget.organization,
                    .name = budget.name,
                    .scope = budget.scope,
                    .scope_id = budget.scope_id,
                    .limit = budget.limit.str(),
                    .period = budget.period,
                    .time_zone = budget.time_zone,
                    .hard = budget.is_hard,
                    .enabled = budget.enabled,
                    .alerts = percents_of(budget),
                    .alert_rules = budget.alerts,
                    .webhook_url = budget.webhook_url,
                    .created_at = budget.created_at,
                    .updated_at = budget.updated_at};
    const auto state = budgets.state(budget.id);
    if (!state) return view;
    if (budget.period != Period::total) view.window_from = state->window.from, view.window_to = state->window.to;
    view.spent = state->spent.str();
    view.reserved = state->reserved.str();
    view.unaccounted = state->unaccounted.str();
    view.available = (budget.limit - std::min(budget.limit, state->spent + state->reserved + state->unaccounted)).str();
    return view;
}

using BudgetList = http::Listed<"budgets", BudgetView>;
using AlertList = http::Listed<"alerts", AlertView>;

Task<BudgetList> list_budgets(Budgets& budgets, Call<> call) {
    const auto page = call.page();
    auto all = co_await budgets.list(call.caller_as<Caller>());
    co_return BudgetList(mapped(page_of(std::move(all), page), [&](const Budget& budget) { return view_of(budget, budgets); }));
}

Task<http::Created<BudgetView>> create_budget(Budgets& budgets, Call<CreateBudget> call) {
    auto& in = call.in;
    BudgetWish wish{in.name, in.scope,   in.scope_id, money_in(in.limit), in.period,        in.time_zone,
                    in.hard, in.enabled, in.alerts,   in.webhook_url,     in.webhook_secret};
    co_return http::Created<BudgetView>{view_of(co_await budgets.create(call.caller_as<Caller>(), std::move(wish)), budgets)};
}

Task<BudgetView> get_budget(Budgets& budgets, Call<> call) {
    co_return view_of(co_await budgets.find(call.caller_as<Caller>(), http::id_param<BudgetId>(call, "budget_id")), budgets);
}

Task<BudgetView> update_budget(Budgets& budgets, Call<UpdateBudget> call) {
    const auto id = http::id_param<BudgetId>(call, "budget_id");
    auto& in = call.in;
    BudgetChange change{
        in.name,          in.limit ? std::optional(money_in(*in.limit)) : std::nullopt, in.hard, in.enabled, in.alerts, in.webhook_url,
        in.webhook_secret};
    co_return view_of(co_await budgets.change(call.caller_as<Caller>(), id, std::move(change)), budgets);
}

Task<http::NoContent> delete_budget(Budgets& budgets, Call<> call) {
    co_await budgets.remove(call.caller_as<Caller>(), http::id_param<BudgetId>(call, "budget_id"));
    co_return http::NoContent{};
}

Task<AlertList> list_alerts(Budgets& budgets, Call<> call) {
    const auto page = call.page();
    auto all = co_await budgets.alerts(call.caller_as<Caller>(), http::id_param<BudgetId>(call, "budget_id"));
    co_return AlertList(mapped(page_of(std::move(all), page), [](const rows::RaisedAlert& alert) { return view_of(alert); }));
}

}  // namespace

void add_budget_routes(http::Router& router, Budgets& budgets) {
    using http::doc;
    using http::typed;
    const auto dialect = http::Dialect::meridian;
    const std::string all = "/meridian/v1/budgets", one = all + "/{budget_id}";
    const auto may = [](std::string action) { return http::Permission(std::move(action), "budgets"); };
    router.add(typed<http::Nothing, BudgetList>("GET", all, may("read"), dialect, doc("ListBudgets", "List budgets", "budgets"),
                                                [&budgets](Call<> call) { return list_budgets(budgets, std::move(call)); }));
    router.add(typed<CreateBudget, http::Created<BudgetView>>(
        "POST", all, may("create"), dialect, doc("CreateBudget", "Make a budget", "budgets"),
        [&budgets](Call<CreateBudget> call) { return create_budget(budgets, std::move(call)); }));
    router.add(typed<http::Nothing, BudgetView>("GET", one, may("read"), dialect,
                                                doc("GetBudget", "A budget, and what is left of it", "budgets"),
                                                [&budgets](Call<> call) { return get_budget(budgets, std::move(call)); }));
    router.add(typed<UpdateBudget, BudgetView>("PATCH", one, may("update"), dialect, doc("UpdateBudget", "Change a budget", "budgets"),
                                               [&budgets](Call<UpdateBudget> call) { return update_budget(budgets, std::move(call)); }));
    router.add(typed<http::Nothing, http::NoContent>("DELETE", one, may("remove"), dialect,
                                                     doc("DeleteBudget", "Remove a budget", "budgets"),
                                                     [&budgets](Call<> call) { return delete_budget(budgets, std::move(call)); }));
    router.add(typed<http::Nothing, AlertList>("GET", one + "/alerts", may("read"), dialect,
                                               doc("ListBudgetAlerts", "Alerts that a budget raised, newest first", "budgets"),
                                               [&budgets](Call<> call) { return list_alerts(budgets, std::move(call)); }));
}

}  // namespace meridian::metering
