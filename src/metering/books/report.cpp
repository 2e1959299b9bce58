#include "metering/books/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/derived_id.h"
#include "base/error.h"
#include "resource/json_bind.h"

namespace meridian::metering {

Periods periods_of(Timestamp from, Timestamp to, Step step, const TimeZone& zone) {
    Periods made;
    made.edges.push_back(from);
    for (auto at = from; at < to;) {
        if (made.days.size() == periods_max)
            throw invalid("to", FieldProblem::Reason::constraint, fmt::format("at most {} periods are answered at once", periods_max));
        made.days.push_back(zone.day_name(at));
        made.months.push_back(zone.month_name(at));
        const auto end = step == Step::whole ? to : std::min(to, step == Step::days ? zone.day_of(at).to : zone.month_of(at).to);
        made.edges.push_back(end);
        at = end;
    }
    return made;
}

std::vector<UsageLine> grouped(std::span<const UsageRow> rows, std::span<const GroupBy> by, const Periods& periods, std::string_view zone) {
    std::map<std::vector<std::string>, Totals> groups;
    if (by.empty()) groups.try_emplace({});
    for (const auto& row : rows) {
        std::vector<std::string> values;
        for (const auto each : by) {
            switch (each) {
                case GroupBy::project:
                    values.push_back(row.project.str());
                    break;
                case GroupBy::principal:
                    values.push_back(row.principal.is_nil() ? "" : row.principal.str());
                    break;
                case GroupBy::kind:
                    values.emplace_back(name(row.kind));
                    break;
                case GroupBy::model:
                    values.push_back(row.model);
                    break;
                case GroupBy::day:
                    values.push_back(periods.days.at(row.period));
                    break;
                case GroupBy::month:
                    values.push_back(periods.months.at(row.period));
                    break;
                case GroupBy::zone:
                    values.emplace_back(zone);
                    break;
            }
        }
        groups[std::move(values)] += row.totals;
    }
    std::vector<UsageLine> lines;
    for (auto& [values, totals] : groups) lines.push_back({values, totals});
    return lines;
}

namespace {

std::int64_t used(const Totals& totals, std::int64_t Usage::* member) {
    for (std::size_t i = 0; i < quantity_count; ++i)
        if (quantities()[i].member == member) return totals.used[i];
    return 0;
}

// What the API calls things, for each kind.
struct Named {
    Field field;
    std::string_view title, unit;
};
Named named(Kind kind) {
    switch (kind) {
        case Kind::chat:
            return {Field::ai, "Chat completions", "token"};
        case Kind::completion:
            return {Field::ai, "Completions", "token"};
        case Kind::embedding:
            return {Field::ai, "Embeddings", "token"};
        case Kind::deployment_hour:
            return {Field::ai, "Dedicated deployments", "second"};
        case Kind::quantum_job:
            return {Field::quantum, "Quantum jobs", "run"};
        case Kind::quantum_booking:
            return {Field::quantum, "Quantum bookings", "second"};
        case Kind::quantum_session:
            return {Field::quantum, "Quantum sessions", "second"};
    }
    return {Field::ai, "", "run"};
}

}  // namespace

Measure measure_of(Kind kind, const Totals& totals) {
    const auto unit = named(kind).unit;
    if (unit == "token") return {unit, std::to_string(used(totals, &Usage::input_tokens) + used(totals, &Usage::output_tokens))};
    if (unit == "run") return {unit, std::to_string(totals.runs)};
    const auto milliseconds = used(totals, &Usage::milliseconds);
    return {unit, fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000)};
}
Field field_of(Kind kind) { return named(kind).field; }
std::string_view title(Kind kind) { return named(kind).title; }
std::string sku(Kind kind, std::string_view model) { return fmt::format("/{}/{}", name(kind), model); }

Span bill_month(Timestamp t) { return TimeZone::utc().month_of(t); }

Uuid invoice_id(const OrganizationId& organization, Timestamp month) {
    return derived_uuid(fmt::format("invoice {} {}", organization.str(), rfc3339(month)));
}

std::optional<Span> parse_month(std::string_view text) {
    if (text.size() != 7) return std::nullopt;
    const auto first = parse_rfc3339(std::string(text) + "-01T00:00:00Z");
    return first ? std::optional(bill_month(*first)) : std::nullopt;
}

}  // namespace meridian::metering
