#include <fmt/format.h>

#include "base/real/real.h"
#include "cli/commands.h"
#include "geography/declaration.h"
#include "installation.h"

namespace meridian::cli {
namespace {

struct DeclareOptions {
    std::string zone = "fr-par-1", place, jurisdiction, operator_name;
    std::optional<std::uint32_t> watts, carbon, water;
};

int declare(const Common& common, const DeclareOptions& o) {
    const auto zone = geography::Zone::parse(o.zone);
    if (!zone) throw Failure{usage, fmt::format("'{}' is no zone name.", o.zone), "it looks like fr-par-1"};
    real::PosixDisk disk;
    real::WallClock clock;
    const app::Layout layout(common.data, zone->str());
    if (auto made = disk.make_directories(layout.zone()); !made)
        throw Failure{failed, made.error().said, "make the data directory writable"};
    const geography::Declaration said{o.place, o.jurisdiction, o.operator_name, clock.now(), o.watts, o.carbon, o.water};
    if (auto written = geography::DeclarationFile(disk, layout.zone()).write(said); !written)
        throw Failure{failed, written.error().said, "write the values as the message says"};
    const auto number = [](const std::optional<std::uint32_t>& n) { return n ? Json(*n) : Json(nullptr); };
    if (common.json)
        return print(JsonObject{{"zone", zone->str()},
                                {"place", o.place},
                                {"jurisdiction", o.jurisdiction},
                                {"operator", o.operator_name},
                                {"node_watts", number(o.watts)},
                                {"carbon_grams_per_kwh", number(o.carbon)},
                                {"water_millilitres_per_kwh", number(o.water)}});
    fmt::print("Receipts of {} say from the next start on: {}, jurisdiction {}, declared by {} today.\n", zone->str(), o.place,
               o.jurisdiction, o.operator_name);
    if (o.watts)
        fmt::print("The energy of quantum jobs is reckoned from {} W a node, where its processors have no counter of their own.\n",
                   *o.watts);
    return ok;
}

}  // namespace

void add_declare(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<DeclareOptions>();
    auto* command = app.add_subcommand("declare", "State where a zone's machines stand; until then receipts say 'undeclared'");
    command->add_option("--zone", o->zone, "The zone")->capture_default_str();
    command->add_option("--place", o->place, "Town and country, such as \"Paris, FR\"")->required();
    command->add_option("--jurisdiction", o->jurisdiction, "Country whose law applies, such as FR")->required();
    command->add_option("--operator", o->operator_name, "Who declares it")->required();
    command->add_option("--watts", o->watts, "What the processors of one node draw under full load")
        ->check(CLI::Range(1u, geography::limits::node_watts));
    command->add_option("--carbon", o->carbon, "Grams of CO2 equivalent that a kilowatt hour stands for here")
        ->check(CLI::Range(0u, geography::limits::carbon_grams_per_kwh));
    command->add_option("--water", o->water, "Millilitres of water that a kilowatt hour stands for here")
        ->check(CLI::Range(0u, geography::limits::water_millilitres_per_kwh));
    command->callback([&common, chosen, o] { chosen([&common, o] { return declare(common, *o); }); });
}

}  // namespace meridian::cli
