#include <fmt/format.h>

#include "base/real/real.h"
#include "cli/commands.h"
#include "database.h"
#include "store/postgres/copy.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

int migrate(const Common& common, const std::string& url) {
    real::PosixDisk disk;
    real::WallClock clock;
    real::ThreadPool pool(1);
    const app::Layout layout(common.data, "");
    if (!app::has_database(disk, layout))
        throw Failure{not_found, fmt::format("There is no Meridian in '{}'.", common.data), "name its directory with --data"};
    const auto lock = disk.lock(layout.lock());
    if (!lock) throw Failure{failed, "The data directory is in use: " + lock.error().said, "stop Meridian first"};
    auto from = app::open_database(disk, clock, pool, layout, "");
    if (!from) throw Failure{failed, from.error().said, "rows are copied once, from the file to PostgreSQL"};
    const auto copied = store::postgres::copy_to(url, **from, clock.now(), store::migrations("control"));
    if (!copied) throw Failure{failed, copied.error().said, "createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 NAME"};
    const auto shown = store::postgres::shown(url);
    if (auto done = app::remember_database(disk, layout, shown); !done)
        throw Failure{failed, "The rows were copied, but the data directory does not know it yet: " + done.error().said,
                      "empty the database and try again"};
    std::int64_t rows = 0;
    JsonArray tables;
    terminal::Table table({"TABLE", "ROWS", "SHA-256"});
    for (const auto& one : *copied) {
        rows += one.rows;
        tables.push_back(JsonObject{{"name", one.name}, {"rows", one.rows}, {"sha256", one.sha256}});
        table.row({one.name, std::to_string(one.rows), one.sha256});
    }
    if (common.json) return print(JsonObject{{"database", shown}, {"rows", rows}, {"tables", std::move(tables)}});
    fmt::print(
        "{}\n{} rows are in {}, each table as it was.\nFrom now on: meridian up --database URL. The file control/meridian.db is not "
        "used any more.\n",
        table.str(), rows, shown);
    return ok;
}

}  // namespace

void add_migrate(CLI::App& app, Common& common, const Chosen& chosen) {
    auto url = std::make_shared<std::string>();
    auto* command = app.add_subcommand("migrate", "Copy the rows of a stopped Meridian from its file into an empty PostgreSQL");
    command->add_option("--to", *url, "postgres://user@host:5432/name")->required()->type_name("URL");
    command->callback([&common, chosen, url] { chosen([&common, url] { return migrate(common, *url); }); });
}

}  // namespace meridian::cli
