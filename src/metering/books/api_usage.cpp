// What was used and what it cost, by whatever people group it: as JSON, as CSV, and as FOCUS.
#include <fmt/format.h>

#include <algorithm>

#include "metering/books/csv.h"
#include "metering/books/focus.h"
#include "metering/books/sight.h"
#include "resource/fields.h"

namespace meridian::metering {

constexpr auto names(As<GroupBy>) {
    return words<GroupBy>({{GroupBy::project, "project"},
                           {GroupBy::principal, "principal"},
                           {GroupBy::kind, "kind"},
                           {GroupBy::model, "model"},
                           {GroupBy::day, "day"},
                           {GroupBy::month, "month"},
                           {GroupBy::zone, "zone"}});
}

namespace {

struct UsageWish {
    std::vector<GroupBy> group_by;
    std::optional<Timestamp> from, to;
    std::string time_zone;
    std::optional<ProjectId> project_id;
};
constexpr auto describe(As<UsageWish>) {
    return fields(field("group_by", &UsageWish::group_by, at_most{7},
                        help("project, principal, kind, model, day, month, zone; repeat it for several")),
                  field("from", &UsageWish::from, help("The beginning of this month when absent; goes down to a quarter hour")),
                  field("to", &UsageWish::to, help("Now when absent; goes up to a quarter hour")),
                  field("time_zone", &UsageWish::time_zone, defaulted, length{0, 64},
                        help("IANA's name, whose days and months count; UTC when absent")),
                  field("project_id", &UsageWish::project_id, help("Only this project's")));
}

TimeZone zone_of(const std::string& name) {
    if (name.empty()) return TimeZone::utc();
    auto zone = TimeZone::find(name);
    if (!zone) throw invalid("time_zone", FieldProblem::Reason::constraint, zone.error().said);
    return *zone;
}

Span span_of(const UsageWish& wish, const TimeZone& zone, Timestamp now) {
    const auto to = wish.to.value_or(now + Timestamp::duration(1));  // with this very moment
    const auto from = wish.from.value_or(zone.month_of(std::min(now, to)).from);
    if (from >= to) throw invalid("from", FieldProblem::Reason::constraint, "must be before `to`");
    return {from, to};
}

bool has(const std::vector<GroupBy>& list, GroupBy one) { return std::ranges::find(list, one) != list.end(); }

std::string csv_of(const std::vector<GroupBy>& by, const std::vector<UsageLine>& lines) {
    Csv csv;
    std::vector<std::string> head;
    for (const auto each : by) head.emplace_back(word(each));
    head.emplace_back("runs");
    for (const auto& quantity : quantities()) head.emplace_back(quantity.name);
    for (const auto* more : {"cost", "currency", "energy_mj", "runs_without_energy"}) head.emplace_back(more);
    csv.row(head);
    for (const auto& [values, totals] : lines) {
        std::vector<std::string> row;
        for (const auto& value : values) row.push_back(Csv::text(value));
        row.push_back(std::to_string(totals.runs));
        for (const auto count : totals.used) row.push_back(std::to_string(count));
        row.insert(row.end(),
                   {totals.cost.str(), "EUR", totals.runs_without_energy == totals.runs ? "" : std::to_string(totals.energy.count()),
                    std::to_string(totals.runs_without_energy)});
        csv.row(row);
    }
    return csv.take();
}

Json json_of(const std::vector<GroupBy>& by, const std::vector<UsageLine>& lines, const Span& span, const TimeZone& zone) {
    JsonArray usage;
    for (const auto& [values, totals] : lines) {
        JsonObject line;
        for (std::size_t i = 0; i < by.size(); ++i) line[word(by[i])] = values[i].empty() ? Json(nullptr) : Json(values[i]);
        line["runs"] = totals.runs;
        for (std::size_t i = 0; i < quantity_count; ++i) line[quantities()[i].name] = totals.used[i];
        line["cost"] = totals.cost.str();
        line["currency"] = "EUR";
        // Of the runs whose energy somebody knows; null where nobody knows any.
        line["energy_mj"] = totals.runs_without_energy == totals.runs ? Json(nullptr) : Json(totals.energy.count());
        line["runs_without_energy"] = totals.runs_without_energy;
        usage.emplace_back(std::move(line));
    }
    return JsonObject{{"from", rfc3339(span.from)}, {"to", rfc3339(span.to)}, {"time_zone", zone.name()}, {"usage", std::move(usage)}};
}

bool asks_for_csv(const http::Called& call) {
    return call.exchange->request().headers.get("Accept").find("text/csv") != std::string_view::npos;
}
http::Response csv_answer(std::string text, const std::string& name) {
    return {.status = 200,
            .headers = {{"Content-Type", "text/csv; charset=utf-8"}, {"Content-Disposition", "attachment; filename=\"" + name + "\""}},
            .body = std::move(text)};
}

Task<http::Response> usage(std::shared_ptr<Sight> sight, http::Call<UsageWish> call) {
    const auto& by = call.in.group_by;
    const auto zone = zone_of(call.in.time_zone);
    const auto span = span_of(call.in, zone, sight->now());
    const auto step = has(by, GroupBy::day) ? Step::days : has(by, GroupBy::month) ? Step::months : Step::whole;
    const auto periods = periods_of(span.from, span.to, step, zone);
    const auto rows = co_await sight->rows(call.caller_as<identity::Caller>(), call.in.project_id, periods.edges);
    const auto lines = grouped(rows, by, periods, sight->zone().name.str());
    if (asks_for_csv(call)) co_return csv_answer(csv_of(by, lines), "usage.csv");
    co_return http::Response{
        .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = to_text(json_of(by, lines, span, zone))};
}

struct FocusWish {
    std::optional<Timestamp> from, to;
    std::optional<ProjectId> project_id;
};
constexpr auto describe(As<FocusWish>) {
    return fields(field("from", &FocusWish::from, help("The beginning of this month of UTC when absent")),
                  field("to", &FocusWish::to, help("Now when absent")),
                  field("project_id", &FocusWish::project_id, help("Only this project's")));
}

Task<http::Response> focus(std::shared_ptr<Sight> sight, http::Call<FocusWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto span = span_of({{}, call.in.from, call.in.to, {}, {}}, TimeZone::utc(), sight->now());
    // Whole days: a charge period that is cut would be billed twice by whoever reads two files.
    const auto from = TimeZone::utc().day_of(span.from).from, to = TimeZone::utc().day_of(span.to - Timestamp::duration(1)).to;
    const auto periods = periods_of(from, to, Step::days, TimeZone::utc());
    const auto rows = co_await sight->rows(caller, call.in.project_id, periods.edges);
    const auto names = co_await sight->names(caller);
    const FocusFacts facts{caller.organization, names.organization, names.projects, sight->operator_name(), sight->zone().name};
    co_return csv_answer(focus_csv(rows, periods, facts), "focus.csv");
}

}  // namespace

void add_usage_routes(http::Router& router, const BookParts& parts) {
    const auto sight = std::make_shared<Sight>(parts);
    const auto m = http::Dialect::meridian;
    router.add(http::typed<UsageWish, http::Response>(
        "GET", "/meridian/v1/usage", read_bills(), m,
        http::doc("GetUsage", "Usage, cost and energy, grouped; CSV when text/csv is accepted", "billing"),
        [sight](http::Call<UsageWish> call) { return usage(sight, std::move(call)); }));
    router.add(http::typed<FocusWish, http::Response>("GET", "/meridian/v1/costs/focus", read_bills(), m,
                                                      http::doc("GetFocusCosts", "Costs by day as a FOCUS 1.2 file (CSV)", "billing"),
                                                      [sight](http::Call<FocusWish> call) { return focus(sight, std::move(call)); }));
}

}  // namespace meridian::metering
