#include <fmt/format.h>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

constexpr double millijoules_per_kwh = 3.6e9, milligrams_per_kg = 1e6;

struct QuoteOptions {
    std::string model, node_type;
    int hours = 0, replicas = 1;
};

// What is not known is said so, and is no zero.
std::string in_units(const Json& offer, std::string_view key, double per_unit) {
    const auto* value = member(offer, key);
    return value && value->is_number() ? fmt::format("{:.6g}", value->to_number<double>() / per_unit) : "unknown";
}

int quote_deployment(const Common& common, const QuoteOptions& o) {
    auto api = common.api();
    JsonObject request{{"model", o.model}, {"hours", o.hours}, {"replicas", o.replicas}};
    if (!o.node_type.empty()) request["node_type"] = o.node_type;
    JsonObject wish{{"kind", "deployment"}, {"request", std::move(request)}};
    if (!api.to().project.empty()) wish["project_id"] = api.to().project;
    const auto made = api.post("/meridian/v1/quotes", wish);
    if (common.json) return print(made);
    terminal::Table table({"NODE TYPE", "ZONE", "PRICE €", "BINDING", "€/HOUR", "ENERGY KWH", "CO2 KG"});
    for (const std::size_t column : {2, 4, 5, 6}) table.right(column);
    for (const auto& offer : member(made, "offers")->as_array()) {
        const auto* rates = member(offer, "rates");
        table.row({field(offer, "node_type"), field(offer, "zone"), field(offer, "price"), field(offer, "binding"),
                   rates ? field(*rates, "per_hour") : "", in_units(offer, "energy_millijoules", millijoules_per_kwh),
                   in_units(offer, "co2_milligrams", milligrams_per_kg)});
    }
    fmt::print("{}\nquote {}, valid until {}\n{}\n", table.str(), field(made, "id"), field(made, "valid_until"),
               terminal::dim(fmt::format("meridian deploy {} --node-type TYPE --quote {}", o.model, field(made, "id"))));
    return ok;
}

}  // namespace

void add_quote(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<QuoteOptions>();
    auto* quote = app.add_subcommand("quote", "What something will cost, before it runs: deployment");
    quote->require_subcommand(1);
    auto* deployment = quote->add_subcommand("deployment", "The hours of a deployment, on each node type that can hold it");
    deployment->add_option("MODEL", o->model, "Name of a model of the catalogue")->required();
    deployment->add_option("--hours", o->hours, "For how long")->required()->check(CLI::PositiveNumber);
    deployment->add_option("--replicas", o->replicas, "How many at once")->check(CLI::Range(1, 50));
    deployment->add_option("--node-type", o->node_type, "On this node type only");
    deployment->callback([&common, chosen, o] { chosen([&common, o] { return quote_deployment(common, *o); }); });
}

}  // namespace meridian::cli
