#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "base/error.h"
#include "base/version.h"
#include "cli/commands.h"
#include "fleet/service.h"
#include "terminal.h"

namespace {

using namespace meridian;

void add_all(CLI::App& app, cli::Common& common, const cli::Chosen& chosen) {
    app.add_option("--data", common.data, "Data directory")->envname("MERIDIAN_DATA")->capture_default_str();
    app.add_option("--database", common.database, "postgres://user@host:5432/name, where the rows are in PostgreSQL")
        ->envname("MERIDIAN_DATABASE")
        ->type_name("URL");
    app.add_flag("--json", common.json, "Answers as JSON");
    app.set_version_flag("--version", fmt::format("meridian {}", version()));
    app.require_subcommand(1);
    app.fallthrough();
    for (auto* add : {cli::add_up,      cli::add_control,   cli::add_models,  cli::add_deploy,       cli::add_quote,   cli::add_chat,
                      cli::add_status,  cli::add_projects,  cli::add_people,  cli::add_applications, cli::add_groups,  cli::add_policies,
                      cli::add_keys,    cli::add_ssh_keys,  cli::add_budgets, cli::add_receipts,     cli::add_changes, cli::add_backup,
                      cli::add_migrate, cli::add_doctor,    cli::add_declare, cli::add_products,     cli::add_quantum, cli::add_log,
                      cli::add_witness, cli::add_completion}) {
        add(app, common, chosen);
    }
}

int explain(const cli::Failure& failure, bool json) {
    if (json) {
        fmt::print("{}\n", to_text(JsonObject{{"error", failure.said}, {"hint", failure.hint}}));
    } else {
        fmt::print(stderr, "{} {}\n", terminal::bad("error:"), failure.said);
        if (!failure.hint.empty()) fmt::print(stderr, "  try: {}\n", failure.hint);
    }
    return failure.exit;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "shim") == 0) return fleet::shim_main(argc - 1, argv + 1);
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app("Meridian: a sovereign AI and quantum cloud that its owner runs.", "meridian");
    cli::Common common;
    cli::Run run;
    add_all(app, common, [&run](cli::Run chosen) { run = std::move(chosen); });
    try {
        app.parse(argc, argv);
        return run ? run() : cli::usage;
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong) == 0 ? cli::ok : cli::usage;
    } catch (const cli::Failure& failure) {
        return explain(failure, common.json);
    } catch (const Error& error) {
        return explain({cli::failed, error.said, error.logged}, common.json);
    } catch (const std::exception& broken) {
        return explain({cli::failed, broken.what(), "meridian doctor"}, common.json);
    }
}
