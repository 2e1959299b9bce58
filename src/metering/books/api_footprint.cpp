// Scaleway's environmental-footprint/v1alpha1 over the receipts, and our own form, which also says how much is not known.
#include <fmt/format.h>

#include <algorithm>

#include "metering/books/csv.h"
#include "metering/books/footprint.h"
#include "metering/books/sight.h"
#include "resource/fields.h"

namespace meridian::metering {
namespace {

using http::Call;
using http::doc;

struct ImpactWish {
    std::optional<OrganizationId> organization_id;
    std::optional<Timestamp> start_date, end_date;
    std::vector<std::string> regions, zones, service_categories, product_categories;
    std::vector<ProjectId> project_ids;
};
constexpr auto describe(As<ImpactWish>) {
    using W = ImpactWish;
    return fields(field("organization_id", &W::organization_id), field("start_date", &W::start_date), field("end_date", &W::end_date),
                  field("regions", &W::regions, at_most{100}), field("zones", &W::zones, at_most{100}),
                  field("project_ids", &W::project_ids, at_most{1000}), field("service_categories", &W::service_categories, at_most{20}),
                  field("product_categories", &W::product_categories, at_most{20}));
}

// Quantum computing has no word of its own there.
std::string_view service_category(Kind kind) { return field_of(kind) == Field::ai ? "ai" : "compute"; }
std::string_view product_category(Kind kind) {
    if (field_of(kind) != Field::ai) return "unknown_product_category";
    return kind == Kind::deployment_hour ? "managed_inference" : "generative_apis";
}
template <class T>
bool is_in(const std::vector<T>& wanted, const T& one) {
    return wanted.empty() || std::ranges::find(wanted, one) != wanted.end();
}

Json impact_json(const Totals& totals, const geography::ZoneFacts& zone) {
    const auto impact = impact_of(totals, zone);
    if (!impact) return nullptr;
    return JsonObject{{"kg_co2_equivalent", impact->kg_co2}, {"m3_water_usage", impact->m3_water}};
}

// From the first run that the caller may see until now, unless they say otherwise.
Task<Span> span_asked(std::shared_ptr<Sight> sight, identity::Caller caller, ImpactWish wish) {
    const auto to = wish.end_date.value_or(sight->now() + Timestamp::duration(1));  // with this very moment
    const auto first = co_await sight->first_run(caller);
    const auto from = wish.start_date.value_or(first ? std::min(*first, to) : bill_month(std::min(to, sight->now())).from);
    if (from > to) throw invalid("start_date", FieldProblem::Reason::constraint, "must not be after end_date");
    co_return Span{from, to};
}

// The whole region's are the zone's, for an installation has one: sums agree at every level.
Json project_json(const ProjectId& project, const std::map<std::string, std::pair<Kind, Totals>>& by_sku,
                  const geography::ZoneFacts& zone) {
    Totals sum;
    JsonArray skus;
    for (const auto& [name, of] : by_sku) {
        sum += of.second;
        skus.push_back(JsonObject{{"sku", name},
                                  {"total_sku_impact", impact_json(of.second, zone)},
                                  {"service_category", service_category(of.first)},
                                  {"product_category", product_category(of.first)}});
    }
    const auto impact = impact_json(sum, zone);
    return JsonObject{
        {"project_id", project.str()},
        {"total_project_impact", impact},
        {"regions",
         JsonArray{JsonObject{
             {"region", zone.name.region()},
             {"total_region_impact", impact},
             {"zones", JsonArray{JsonObject{{"zone", zone.name.str()}, {"total_zone_impact", impact}, {"skus", std::move(skus)}}}},
             {"skus", JsonArray()}}}}};
}

Task<Json> impact_data(std::shared_ptr<Sight> sight, Call<ImpactWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto& in = call.in;
    Sight::check_organization(caller, in.organization_id);
    for (const auto& project : in.project_ids) Sight::check_project(caller, project);
    const auto span = co_await span_asked(sight, caller, in);
    const auto& zone = sight->zone();
    std::map<ProjectId, std::map<std::string, std::pair<Kind, Totals>>> projects;
    Totals all;
    if (is_in(in.regions, zone.name.region()) && is_in(in.zones, zone.name.str())) {
        for (const auto& row : co_await sight->rows(caller, std::nullopt, {span.from, span.to})) {
            if (!is_in(in.project_ids, row.project) || !is_in(in.service_categories, std::string(service_category(row.kind))) ||
                !is_in(in.product_categories, std::string(product_category(row.kind))))
                continue;
            auto& of = projects[row.project].try_emplace(sku(row.kind, row.model), row.kind, Totals()).first->second;
            of.second += row.totals;
            all += row.totals;
        }
    }
    JsonArray out;
    for (const auto& [project, by_sku] : projects) out.push_back(project_json(project, by_sku, zone));
    co_return JsonObject{{"start_date", rfc3339(span.from)},
                         {"end_date", rfc3339(span.to)},
                         {"total_impact", impact_json(all, zone)},
                         {"projects", std::move(out)}};
}

// Months, and years of UTC, that have ended and had runs.
Task<Json> availability(std::shared_ptr<Sight> sight, Call<ImpactWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    Sight::check_organization(caller, call.in.organization_id);
    JsonArray months, years;
    const auto first = co_await sight->first_run(caller);
    const auto until = std::min(call.in.end_date.value_or(sight->now()), sight->now());
    if (first) {
        std::vector<Timestamp> edges{bill_month(std::max(*first, call.in.start_date.value_or(*first))).from};
        while (bill_month(edges.back()).to <= until && edges.size() <= periods_max) edges.push_back(bill_month(edges.back()).to);
        std::vector<std::int64_t> runs(edges.size());
        for (const auto& row : co_await sight->rows(caller, std::nullopt, edges)) runs[row.period] += row.totals.runs;
        for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
            if (runs[i] == 0) continue;
            months.emplace_back(rfc3339(edges[i]));
            const auto year = rfc3339(edges[i]).substr(0, 4);
            const auto next_year = parse_rfc3339(std::to_string(std::stoi(year) + 1) + "-01-01T00:00:00Z");
            const auto name = Json(year + "-01-01T00:00:00.000000Z");
            if (next_year && *next_year <= until && (years.empty() || years.back() != name)) years.push_back(name);
        }
    }
    co_return JsonObject{{"month_summary_reports", std::move(months)}, {"yearly_summary_reports", std::move(years)}};
}

enum class ReportType { unknown_report_type, monthly, yearly };
constexpr auto names(As<ReportType>) {
    return words<ReportType>(
        {{ReportType::unknown_report_type, "unknown_report_type"}, {ReportType::monthly, "monthly"}, {ReportType::yearly, "yearly"}});
}
struct ReportWish {
    std::optional<OrganizationId> organization_id;
    std::optional<Timestamp> date;
    ReportType type = ReportType::unknown_report_type;
};
constexpr auto describe(As<ReportWish>) {
    return fields(field("organization_id", &ReportWish::organization_id), field("date", &ReportWish::date),
                  field("type", &ReportWish::type, defaulted));
}

std::string decimal_or_nothing(const std::optional<double>& value) { return value ? fmt::format("{:.9f}", *value) : ""; }

Task<http::NamedFile> report(std::shared_ptr<Sight> sight, Call<ReportWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    Sight::check_organization(caller, call.in.organization_id);
    const auto month = bill_month(call.in.date.value_or(sight->now()));
    std::vector<Timestamp> edges{month.from, month.to};
    if (call.in.type == ReportType::yearly) {
        edges = {parse_rfc3339(rfc3339(month.from).substr(0, 4) + "-01-01T00:00:00Z").value()};
        for (int i = 0; i < 12; ++i) edges.push_back(bill_month(edges.back()).to);
    }
    std::map<std::tuple<std::size_t, ProjectId, std::string>, Totals> lines;
    for (const auto& row : co_await sight->rows(caller, std::nullopt, edges))
        lines[{row.period, row.project, sku(row.kind, row.model)}] += row.totals;
    const auto& zone = sight->zone();
    Csv csv;
    csv.row(
        {"month", "project_id", "zone", "sku", "runs", "runs_without_energy", "energy_millijoules", "kg_co2_equivalent", "m3_water_usage"});
    for (const auto& [key, totals] : lines) {
        const auto& [period, project, name] = key;
        const bool knows = totals.runs_without_energy < totals.runs;
        csv.row({rfc3339(edges[period]).substr(0, 7), project.str(), zone.name.str(), name, std::to_string(totals.runs),
                 std::to_string(totals.runs_without_energy), knows ? std::to_string(totals.energy.count()) : "",
                 knows ? decimal_or_nothing(kg_co2_of(totals.energy, zone)) : "",
                 knows ? decimal_or_nothing(m3_water_of(totals.energy, zone)) : ""});
    }
    co_return http::NamedFile{fmt::format("footprint-{}.csv", rfc3339(edges.front()).substr(0, call.in.type == ReportType::yearly ? 4 : 7)),
                              "text/csv", csv.take()};
}

// Ours: what is known, of how many runs, and by what it was reckoned.
Task<Json> footprint(std::shared_ptr<Sight> sight, Call<ImpactWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto span = co_await span_asked(sight, caller, call.in);
    Totals sum;
    for (const auto& row : co_await sight->rows(caller, std::nullopt, {span.from, span.to}))
        if (is_in(call.in.project_ids, row.project)) sum += row.totals;
    const auto& zone = sight->zone();
    const bool knows = sum.runs_without_energy < sum.runs;
    const auto number = [&](const auto& value) { return value ? Json(*value) : Json(nullptr); };
    const auto known = [&](const std::optional<double>& value) { return knows ? number(value) : Json(nullptr); };
    const auto& declared = zone.declared;
    co_return JsonObject{{"from", rfc3339(span.from)},
                         {"to", rfc3339(span.to)},
                         {"zone", zone.name.str()},
                         {"runs", sum.runs},
                         {"runs_without_energy", sum.runs_without_energy},
                         {"energy_mj", knows ? Json(sum.energy.count()) : Json(nullptr)},
                         {"kg_co2_equivalent", known(kg_co2_of(sum.energy, zone))},
                         {"m3_water_usage", known(m3_water_of(sum.energy, zone))},
                         {"carbon_grams_per_kwh", declared ? number(declared->carbon_grams_per_kwh) : Json(nullptr)},
                         {"water_millilitres_per_kwh", declared ? number(declared->water_millilitres_per_kwh) : Json(nullptr)},
                         {"declared_by", declared ? Json(declared->operator_name) : Json(nullptr)},
                         {"declared_at", declared ? Json(rfc3339(declared->declared_at)) : Json(nullptr)}};
}

}  // namespace

void add_footprint_routes(http::Router& router, const BookParts& parts) {
    const auto sight = std::make_shared<Sight>(parts);
    const auto s = http::Dialect::scaleway;
    const std::string base = "/environmental-footprint/v1alpha1";
    const http::Permission may{"read", "footprint"};
    router.add(http::typed<ImpactWish, Json>("GET", base + "/reports/availability", may, s,
                                             doc("GetImpactReportAvailability", "Months and years that have a report", "footprint"),
                                             [sight](Call<ImpactWish> call) { return availability(sight, std::move(call)); }));
    router.add(http::typed<ReportWish, http::NamedFile>("POST", base + "/reports/download", may, s,
                                                        doc("DownloadImpactReport", "A month's or year's report as CSV", "footprint"),
                                                        [sight](Call<ReportWish> call) { return report(sight, std::move(call)); }));
    router.add(
        http::typed<ImpactWish, Json>("GET", base + "/data/query", may, s,
                                      doc("GetImpactData", "CO2 and water of runs; null where anything of them is not known", "footprint"),
                                      [sight](Call<ImpactWish> call) { return impact_data(sight, std::move(call)); }));
    router.add(http::typed<ImpactWish, Json>(
        "GET", "/meridian/v1/footprint", may, http::Dialect::meridian,
        doc("GetFootprint", "Energy, CO2 and water as far as they are known, and of how many runs", "footprint"),
        [sight](Call<ImpactWish> call) { return footprint(sight, std::move(call)); }));
}

}  // namespace meridian::metering
