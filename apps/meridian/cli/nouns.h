// What the commands for things of the control plane share: which things there are, how a list of them is shown, how one is named and
// deleted. A thing is named by its id or by its name.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"

namespace meridian::cli {

struct Column {
    std::string_view head;
    std::string_view key;  // a member of the row; the first that is there of "user_id|group_id"
};
struct Noun {
    std::string_view word;   // "project"
    std::string_view words;  // the command: "projects"
    std::string_view path;   // of the list
    std::string_view key;    // of the list in its answer
    std::string_view name;   // the member that people know one by
    std::vector<Column> columns;
};
namespace nouns {
extern const Noun projects, people, applications, groups, policies, ssh_keys, budgets, keys, permission_sets;
}

// All pages of a list; `path` may have a query.
JsonArray all_of(Api& api, const std::string& path, std::string_view key);
std::string table(const Noun& noun, const JsonArray& rows);
// Throws Failure{not_found} where nothing is called that, and Failure{usage} where several are.
std::string id_of(Api& api, const Noun& noun, const std::string& name_or_id);
std::string path_of(const Noun& noun, const std::string& id, std::string_view rest = {});
// Id of the organization whose key it is.
std::string organization(Api& api);

// What a command that made or changed one prints: its row.
int show(const Common& common, const Noun& noun, const Json& row);

// `noun list`, `noun delete NAME`, and the command that they are under.
CLI::App* add_noun(CLI::App& app, const Noun& noun, const std::string& help);
void add_list(CLI::App& under, const Common& common, const Chosen& chosen, const Noun& noun, const std::string& help);
void add_delete(CLI::App& under, const Common& common, const Chosen& chosen, const Noun& noun, const std::string& help,
                const std::string& as = "delete");

// A command `f(common, options)` and its options, which live as long as it may be chosen.
template <class Options>
struct Command {
    CLI::App* app;
    std::shared_ptr<Options> o;
    CLI::Option* needs(const std::string& name, std::string Options::* member, const std::string& help) {
        return app->add_option(name, (*o).*member, help)->required();
    }
    // A list takes one value each time that it is given.
    template <class T>
    CLI::Option* takes(const std::string& name, T Options::* member, const std::string& help) {
        return app->add_option(name, (*o).*member, help)->allow_extra_args(false);
    }
};
template <class Options, class F>
Command<Options> add_command(CLI::App& under, const Common& common, const Chosen& chosen, const std::string& name, const std::string& help,
                             F f) {
    auto o = std::make_shared<Options>();
    auto* command = under.add_subcommand(name, help);
    command->callback([&common, chosen, o, f] { chosen([&common, o, f] { return int{f(common, *o)}; }); });
    return {command, std::move(o)};
}

}  // namespace meridian::cli
