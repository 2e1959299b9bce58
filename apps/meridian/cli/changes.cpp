#include <fmt/format.h>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct ChangeOptions {
    std::string id;
    int limit = 20;
};

int list(const Common& common, int limit) {
    auto api = common.api();
    const auto answer = api.get(fmt::format("/meridian/v1/changes?page_size={}", limit));
    if (common.json) return print(answer);
    terminal::Table table({"CHANGE", "AT", "OPERATION", "OUTCOME", "RESOURCE", "NAME", "BY", "FROM"});
    for (const auto& c : member(answer, "changes")->as_array()) {
        table.row({field(c, "id"), field(c, "at"), field(c, "operation"), field(c, "outcome"),
                   field(c, "resource_type") + "/" + field(c, "resource"), field(c, "name"), field(c, "api_key"), field(c, "address")});
    }
    fmt::print("{}", table.str());
    return ok;
}

}  // namespace

void add_changes(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<ChangeOptions>();
    auto* changes = app.add_subcommand("changes", "Who changed what: list, show");
    changes->require_subcommand(1);
    auto* all = changes->add_subcommand("list", "Newest first");
    all->add_option("--limit", o->limit, "How many")->check(CLI::Range(1, 1000));
    all->callback([&common, chosen, o] { chosen([&common, o] { return list(common, o->limit); }); });
    auto* show = changes->add_subcommand("show", "One change with its proof, as `meridian verify` reads it");
    show->add_option("ID", o->id)->required();
    show->callback([&common, chosen, o] {
        chosen([&common, o] {
            auto api = common.api();
            return print(api.get("/meridian/v1/changes/" + o->id));
        });
    });
}

}  // namespace meridian::cli
