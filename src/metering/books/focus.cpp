#include "metering/books/focus.h"

#include <fmt/format.h>

#include <functional>

#include "metering/books/csv.h"

namespace meridian::metering {
namespace {

// Without fractions, as FOCUS writes times.
std::string seconds_text(Timestamp t) { return rfc3339(t).substr(0, 19) + "Z"; }

struct Charge {
    const UsageRow& row;
    Span day, month;
    Measure measure;
    const FocusFacts& facts;
};

struct Column {
    std::string_view name;
    std::function<std::string(const Charge&)> value;
};

std::string cost(const Charge& c) { return c.row.totals.cost.str(); }
std::string quantity(const Charge& c) { return c.measure.quantity; }
std::string unit(const Charge& c) {
    if (c.measure.unit == "token") return "Tokens";
    return c.measure.unit == "second" ? "Seconds" : "Runs";
}
bool is_ai(const Charge& c) { return field_of(c.row.kind) == Field::ai; }

// In the order of the specification. What is discounted, committed or converted elsewhere is neither here, so that its columns are
// left out; unit prices are, because a row has quantities of several prices.
const std::vector<Column>& columns() {
    static const std::vector<Column> all{
        {"AvailabilityZone", [](const Charge& c) { return c.facts.zone.str(); }},
        {"BilledCost", cost},
        {"BillingAccountId", [](const Charge& c) { return c.facts.organization.str(); }},
        {"BillingAccountName", [](const Charge& c) { return Csv::text(c.facts.organization_name); }},
        {"BillingAccountType", [](const Charge&) { return "Organization"; }},
        {"BillingCurrency", [](const Charge&) { return "EUR"; }},
        {"BillingPeriodEnd", [](const Charge& c) { return seconds_text(c.month.to); }},
        {"BillingPeriodStart", [](const Charge& c) { return seconds_text(c.month.from); }},
        {"ChargeCategory", [](const Charge&) { return "Usage"; }},
        {"ChargeClass", [](const Charge&) { return ""; }},
        {"ChargeDescription", [](const Charge& c) { return fmt::format("{}: {}", title(c.row.kind), c.row.model); }},
        {"ChargeFrequency", [](const Charge&) { return "Usage-Based"; }},
        {"ChargePeriodEnd", [](const Charge& c) { return seconds_text(c.day.to); }},
        {"ChargePeriodStart", [](const Charge& c) { return seconds_text(c.day.from); }},
        {"ConsumedQuantity", quantity},
        {"ConsumedUnit", unit},
        {"ContractedCost", cost},
        {"EffectiveCost", cost},
        {"InvoiceId", [](const Charge& c) { return invoice_id(c.facts.organization, c.month.from).str(); }},
        {"InvoiceIssuerName", [](const Charge& c) { return Csv::text(c.facts.operator_name); }},
        {"ListCost", cost},
        {"PricingCategory", [](const Charge&) { return "Standard"; }},
        {"PricingQuantity", quantity},
        {"PricingUnit", unit},
        {"ProviderName", [](const Charge& c) { return Csv::text(c.facts.operator_name); }},
        {"PublisherName", [](const Charge& c) { return Csv::text(c.facts.operator_name); }},
        {"RegionId", [](const Charge& c) { return c.facts.zone.region(); }},
        {"RegionName", [](const Charge& c) { return c.facts.zone.region(); }},
        {"ResourceId", [](const Charge& c) { return Csv::text(c.row.model); }},
        {"ResourceName", [](const Charge& c) { return Csv::text(c.row.model); }},
        {"ResourceType", [](const Charge& c) { return is_ai(c) ? "Model" : "Quantum platform"; }},
        {"ServiceCategory", [](const Charge& c) { return is_ai(c) ? "AI and Machine Learning" : "Compute"; }},
        {"ServiceName", [](const Charge& c) { return std::string(title(c.row.kind)); }},
        {"ServiceSubcategory", [](const Charge& c) { return is_ai(c) ? "Generative AI" : "Quantum Compute"; }},
        {"SkuId", [](const Charge& c) { return sku(c.row.kind, c.row.model); }},
        {"SubAccountId", [](const Charge& c) { return c.row.project.str(); }},
        {"SubAccountName",
         [](const Charge& c) {
             const auto found = c.facts.projects.find(c.row.project);
             return found == c.facts.projects.end() ? c.row.project.str() : Csv::text(found->second);
         }},
        {"SubAccountType", [](const Charge&) { return "Project"; }},
        {"x_PrincipalId", [](const Charge& c) { return c.row.principal.is_nil() ? "" : c.row.principal.str(); }},
        {"x_ApiKey", [](const Charge& c) { return Csv::text(c.row.api_key); }},
        {"x_Runs", [](const Charge& c) { return std::to_string(c.row.totals.runs); }},
        {"x_EnergyMillijoules",
         [](const Charge& c) {
             const auto& t = c.row.totals;
             return t.runs_without_energy == t.runs ? "" : std::to_string(t.energy.count());
         }},
        {"x_RunsWithoutEnergy", [](const Charge& c) { return std::to_string(c.row.totals.runs_without_energy); }},
    };
    return all;
}

}  // namespace

std::string focus_csv(std::span<const UsageRow> rows, const Periods& periods, const FocusFacts& facts) {
    Csv csv;
    std::vector<std::string> fields;
    for (const auto& column : columns()) fields.emplace_back(column.name);
    csv.row(fields);
    for (const auto& row : rows) {
        const Span day{periods.edges.at(row.period), periods.edges.at(row.period + 1)};
        const Charge charge{row, day, bill_month(day.from), measure_of(row.kind, row.totals), facts};
        fields.clear();
        for (const auto& column : columns()) fields.push_back(column.value(charge));
        csv.row(fields);
    }
    return csv.take();
}

}  // namespace meridian::metering
