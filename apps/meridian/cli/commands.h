// The CLI's commands. Each adds itself to the command line and runs when chosen.
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>

#include "cli/api.h"

namespace meridian::cli {

// Shared by all commands.
struct Common {
    std::string data = "data";
    std::string database;  // a URL, perhaps with a password: never printed
    bool json = false;
    [[nodiscard]] Api api() const { return Api(connection(data)); }
};

// A command's body runs after parsing and returns the exit code.
using Run = std::function<int()>;
using Chosen = std::function<void(Run)>;

void add_up(CLI::App& app, Common& common, const Chosen& chosen);
void add_control(CLI::App& app, Common& common, const Chosen& chosen);
void add_models(CLI::App& app, Common& common, const Chosen& chosen);
void add_deploy(CLI::App& app, Common& common, const Chosen& chosen);
void add_chat(CLI::App& app, Common& common, const Chosen& chosen);
void add_status(CLI::App& app, Common& common, const Chosen& chosen);
void add_projects(CLI::App& app, Common& common, const Chosen& chosen);
void add_people(CLI::App& app, Common& common, const Chosen& chosen);
void add_applications(CLI::App& app, Common& common, const Chosen& chosen);
void add_groups(CLI::App& app, Common& common, const Chosen& chosen);
void add_policies(CLI::App& app, Common& common, const Chosen& chosen);
void add_keys(CLI::App& app, Common& common, const Chosen& chosen);
void add_ssh_keys(CLI::App& app, Common& common, const Chosen& chosen);
void add_budgets(CLI::App& app, Common& common, const Chosen& chosen);
void add_receipts(CLI::App& app, Common& common, const Chosen& chosen);
void add_quote(CLI::App& app, Common& common, const Chosen& chosen);
void add_changes(CLI::App& app, Common& common, const Chosen& chosen);
void add_backup(CLI::App& app, Common& common, const Chosen& chosen);
void add_migrate(CLI::App& app, Common& common, const Chosen& chosen);
void add_doctor(CLI::App& app, Common& common, const Chosen& chosen);
void add_declare(CLI::App& app, Common& common, const Chosen& chosen);
void add_log(CLI::App& app, Common& common, const Chosen& chosen);
void add_witness(CLI::App& app, Common& common, const Chosen& chosen);
void add_products(CLI::App& app, Common& common, const Chosen& chosen);
void add_quantum(CLI::App& app, Common& common, const Chosen& chosen);
void add_completion(CLI::App& app, Common& common, const Chosen& chosen);

// JSON on standard output, with a line break at the end.
int print(const Json& json);
std::string field(const Json& json, std::string_view key);    // "" when absent or no text
std::int64_t number(const Json& json, std::string_view key);  // 0 when absent

}  // namespace meridian::cli
