#include "backup.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/real/real.h"
#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

int drill(const Common& common, const std::string& directory) {
    auto api = common.api();
    const auto said = api.post("/meridian/v1/backup/drill", JsonObject{{"directory", std::filesystem::absolute(directory).string()}});
    const bool is_good = said.at("good").as_bool();
    if (common.json) {
        print(said);
        return is_good ? ok : failed;
    }
    for (const auto& check : said.at("checks").as_array())
        fmt::print("{} {:<20} {}\n", check.at("good").as_bool() ? terminal::accent("✓") : terminal::bad("✗"), field(check, "check"),
                   field(check, "said"));
    fmt::print("{} files, {}, {} ms; the log has the result\n", number(said, "files"),
               terminal::bytes(static_cast<std::uint64_t>(number(said, "bytes"))), number(said, "took_ms"));
    return is_good ? ok : failed;
}

}  // namespace

void add_backup(CLI::App& app, Common& common, const Chosen& chosen) {
    auto directory = std::make_shared<std::string>();
    auto* backup = app.add_subcommand("backup", "Copy database, keys and ledger into a new directory while Meridian runs");
    backup->add_option("DIRECTORY", *directory, "On the server's host; new or empty")->required();
    backup->callback([&common, chosen, directory] {
        chosen([&common, directory] {
            auto api = common.api();
            const auto made = api.post("/meridian/v1/backup", JsonObject{{"directory", std::filesystem::absolute(*directory).string()}});
            if (common.json) return print(made);
            fmt::print("{} files, {} in {}\n", number(made, "files"), terminal::bytes(static_cast<std::uint64_t>(number(made, "bytes"))),
                       *directory);
            if (const auto database = field(made, "database"); !database.empty())
                fmt::print(
                    "The rows are in {} and not in this backup: keep them with PostgreSQL's own means, for the moment 'began_at' of "
                    "manifest.json.\n",
                    database);
            return int{ok};
        });
    });

    auto* restore = app.add_subcommand("restore", "Make a data directory from a backup; every digest is checked first");
    auto is_drill = std::make_shared<bool>(false);
    restore->add_option("DIRECTORY", *directory, "The backup")->required()->check(CLI::ExistingDirectory);
    restore->add_flag("--drill", *is_drill, "Have the running Meridian restore it into a place of its own, check it and log the result");
    restore->callback([&common, chosen, directory, is_drill] {
        chosen([&common, directory, is_drill] {
            if (*is_drill) return drill(common, *directory);
            real::PosixDisk disk;
            const auto done = app::restore(disk, *directory, common.data);
            if (!done)
                throw Failure{failed, done.error().said, "name an empty place with --data, and a directory that `meridian backup` made"};
            if (common.json)
                return print(
                    JsonObject{{"files", done->files}, {"bytes", done->bytes}, {"data", common.data}, {"database", done->database}});
            fmt::print("{} files, {} restored into {}\n", done->files, terminal::bytes(done->bytes), common.data);
            if (!done->database.empty())
                fmt::print(
                    "The rows were in {}: bring them to the moment 'began_at' of manifest.json with PostgreSQL's own means, then "
                    "start with --database.\n",
                    done->database);
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
