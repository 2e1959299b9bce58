#include <fmt/format.h>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

void print_status(const Json& status) {
    fmt::print("{}  {}  up {} s\n", terminal::bold("Meridian " + field(status, "version")), field(status, "url"),
               number(status, "uptime_seconds"));
    fmt::print("zone {}  place {}  jurisdiction {}\n\n", field(status, "zone"), field(status, "place"), field(status, "jurisdiction"));
    terminal::Table nodes({"NODE", "ARCH", "CPUS", "MEMORY", "GPUS", "SANDBOX"});
    nodes.right(2);
    nodes.right(3);
    for (const auto& node : member(status, "nodes")->as_array()) {
        std::string layers;
        for (const auto& layer : member(node, "sandbox_layers")->as_array())
            layers += (layers.empty() ? "" : " ") + std::string(view(layer.as_string()));
        nodes.row({field(node, "name"), field(node, "arch"), std::to_string(number(node, "cpus")),
                   terminal::bytes(static_cast<std::uint64_t>(number(node, "memory_bytes"))),
                   std::to_string(member(node, "gpus")->as_array().size()), layers});
    }
    fmt::print("{}\n", nodes.str());
    terminal::Table table({"DEPLOYMENT", "MODEL", "STATUS", "SIZE", "ID"});
    table.right(3);
    for (const auto& d : member(status, "deployments")->as_array()) {
        auto words = field(d, "status");
        if (!field(d, "phase").empty()) words += " (" + field(d, "phase") + ")";
        if (!field(d, "error_message").empty()) words += " " + terminal::bad(field(d, "error_message"));
        table.row({field(d, "name"), field(d, "model_name"), words, std::to_string(number(d, "size")), field(d, "id")});
    }
    fmt::print("{}", table.str());
}

}  // namespace

void add_status(CLI::App& app, Common& common, const Chosen& chosen) {
    app.add_subcommand("status", "What runs, and where")->callback([&common, chosen] {
        chosen([&common] {
            auto api = common.api();
            const auto status = api.get("/meridian/v1/status");
            if (common.json) return print(status);
            print_status(status);
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
