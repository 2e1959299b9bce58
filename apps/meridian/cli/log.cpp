#include <fmt/format.h>

#include <filesystem>

#include "base/log.h"
#include "base/real/real.h"
#include "cli/commands.h"
#include "geography/declaration.h"
#include "installation.h"
#include "metering/log/bundle.h"
#include "metering/log/export.h"
#include "metering/log/rotate.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct LogOptions {
    std::string zone = "fr-par-1", directory, seen, project, from, to;
    bool is_after_loss = false;
};

// A web server runs as somebody else, and there is nothing secret in it.
void make_readable(const std::string& directory) {
    using std::filesystem::perms;
    const auto all = perms::owner_read | perms::owner_write | perms::group_read | perms::others_read;
    const auto enter = perms::owner_exec | perms::group_exec | perms::others_exec;
    std::filesystem::permissions(directory, all | enter);
    for (const auto& each : std::filesystem::recursive_directory_iterator(directory))
        std::filesystem::permissions(each.path(), each.is_directory() ? all | enter : all);
}

int export_log(const Common& common, const LogOptions& o) {
    real::PosixDisk disk;
    const auto done = metering::export_log(disk, app::Layout(common.data, o.zone).ledger(), o.directory);
    if (!done) throw Failure{failed, done.error().said, "name the zone with --zone, and Meridian's data directory with --data"};
    make_readable(o.directory);
    if (common.json) return print(JsonObject{{"size", done->size}, {"tiles", done->tiles}, {"directory", o.directory}});
    fmt::print("{} leaves; {} tiles written into {}\n", done->size, done->tiles, o.directory);
    return ok;
}

Timestamp time_in(const std::string& text, Timestamp when_empty) {
    if (text.empty()) return when_empty;
    const auto at = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
    if (!at) throw Failure{usage, fmt::format("'{}' is no time.", text), "it looks like 2026-11-01 or 2026-11-01T00:00:00Z"};
    return *at;
}

int receipts(const Common& common, const LogOptions& o) {
    const auto project = ProjectId::parse(o.project);
    if (!project) throw Failure{usage, fmt::format("'{}' is no project's id.", o.project), "it is a UUID"};
    real::PosixDisk disk;
    const metering::Wanted period{*project, time_in(o.from, Timestamp::min()), time_in(o.to, Timestamp::max())};
    const auto done = metering::write_bundle(disk, app::Layout(common.data, o.zone).ledger(), period, o.directory);
    if (!done) throw Failure{failed, done.error().said, "name a new file, the zone with --zone, and Meridian's data directory with --data"};
    if (common.json) return print(JsonObject{{"receipts", *done}, {"file", o.directory}});
    fmt::print("{} receipts written into {}; check them with: meridian verify {} --key KEY\n", *done, o.directory, o.directory);
    return ok;
}

int rotate_key(const Common& common, const LogOptions& o) {
    log::configure(log::Level::warn, log::Form::text);
    real::PosixDisk disk;
    real::WallClock clock;
    SystemRng rng;
    real::ThreadPool pool(1);
    const auto zone = geography::Zone::parse(o.zone);
    if (!zone) throw Failure{usage, fmt::format("'{}' is no zone name.", o.zone), "it looks like fr-par-1"};
    const app::Layout layout(common.data, zone->str());
    const auto complain = [&](const Diagnostic& why) {
        return Failure{failed, why.said, "stop the zone's Meridian; meridian log rotate-key --help"};
    };
    if (const auto there = disk.exists(layout.zone_keys()); !there || !*there)
        throw Failure{not_found, fmt::format("There is no zone {} in '{}'.", zone->str(), common.data), "name them with --zone and --data"};
    auto declared = geography::DeclarationFile(disk, layout.zone()).read();
    if (!declared) throw complain(declared.error());
    const auto seen = o.seen.empty() ? std::string() : disk.read_file(o.seen);
    if (!seen) throw Failure{not_found, seen.error().said, "save a checkpoint there that a witness or a reader of the log has"};
    const auto cause = o.is_after_loss ? metering::Succession::Cause::restored : metering::Succession::Cause::rotated;
    const auto done = metering::change_log_key(disk, clock, rng, pool, {*zone, std::move(*declared)}, {.directory = layout.ledger()},
                                               {layout.zone_keys(), cause, *seen});
    if (!done) throw complain(done.error());
    if (common.json) return print(JsonObject{{"verifier_key", *done}});
    fmt::print("The log of {} goes on under the key {}\n", zone->str(), *done);
    return ok;
}

}  // namespace

void add_log(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<LogOptions>();
    auto* log = app.add_subcommand("log", "The zone's public log");
    log->require_subcommand(1);
    auto* out = log->add_subcommand("export", "Checkpoint, key and tiles as files for any web server; only what is new");
    out->add_option("DIRECTORY", o->directory, "New, or of an earlier export")->required();
    out->add_option("--zone", o->zone, "Whose log")->capture_default_str();
    out->callback([&common, chosen, o] { chosen([&common, o] { return export_log(common, *o); }); });
    auto* month = log->add_subcommand("receipts", "A project's receipts of a period in one file, proven to be in the log");
    month->add_option("FILE", o->directory, "New")->required();
    month->add_option("--project", o->project, "Whose receipts")->required();
    month->add_option("--from", o->from, "Those that ended then or later, such as 2026-11-01 (default: all)");
    month->add_option("--to", o->to, "Those that ended before, such as 2026-12-01 (default: all)");
    month->add_option("--zone", o->zone, "Whose log")->capture_default_str();
    month->callback([&common, chosen, o] { chosen([&common, o] { return receipts(common, *o); }); });
    auto* rotate = log->add_subcommand("rotate-key", "Give the log a new key, with the zone stopped; old receipts stay verifiable");
    rotate->add_option("--zone", o->zone, "Whose log")->capture_default_str();
    rotate->add_flag("--after-loss", o->is_after_loss, "Give up what a restored ledger lacks: a new log begins that says what is lost");
    rotate->add_option("--seen", o->seen, "A checkpoint of the log that somebody has, where it is newer than the ledger");
    rotate->callback([&common, chosen, o] { chosen([&common, o] { return rotate_key(common, *o); }); });
}

}  // namespace meridian::cli
