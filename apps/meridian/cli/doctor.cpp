#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/real/real.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "database.h"
#include "fleet/service.h"
#include "installation.h"
#include "llama_path.h"
#include "metering/service.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct Finding {
    std::string what;
    bool good = true;
    std::string said;
    std::string fix;
};

Finding data_directory(Disk& disk, const app::Layout& layout) {
    if (auto made = disk.make_directories(layout.root); !made)
        return {"data directory", false, made.error().said, "give --data a directory you may write to"};
    if (auto probe = disk.replace_file(layout.root + "/.probe", "x"); !probe)
        return {"data directory", false, probe.error().said, "make it writable"};
    (void)disk.remove(layout.root + "/.probe");
    const auto free = disk.free_bytes(layout.root);
    if (free && *free < (2ull << 30))
        return {"data directory", false, terminal::bytes(*free) + " free", "models need room: free at least 2 GB"};
    return {"data directory", true, fmt::format("{} writable, {} free", layout.root, free ? terminal::bytes(*free) : "?"), ""};
}

Finding database(Disk& disk, const app::Layout& layout, const std::string& url) {
    if (!app::has_database(disk, layout)) return {"database", true, "none yet", ""};
    auto lock = disk.lock(layout.lock());
    if (!lock) return {"database", true, "in use by a running Meridian", ""};
    real::WallClock clock;
    real::ThreadPool pool(1);
    const std::string fix = url.empty() ? "meridian restore DIRECTORY" : "look at PostgreSQL's log";
    auto opened = app::open_database(disk, clock, pool, layout, url);
    if (!opened) return {"database", false, opened.error().said, fix};
    const auto said = (*opened)->integrity();
    return {"database", said == "ok", said, fix};
}

std::vector<Finding> ledgers(Disk& disk, const app::Layout& layout) {
    std::vector<Finding> out;
    const auto zones = disk.list(layout.root + "/zones");
    if (!zones) return {{"ledger", true, "none yet", ""}};
    for (const auto& zone : *zones) {
        const app::Layout of_zone(layout.root, zone);
        const auto verdict = metering::Meter::verify_directory(disk, of_zone.ledger());
        out.push_back({"ledger of " + zone, verdict.good, verdict.said, "keep the directory as it is and restore a backup beside it"});
    }
    return out;
}

Finding runtime() {
    const auto path = app::llama_path("");
    if (path.empty()) return {"runtime", false, "no llama-server found", "make build   (or name one with --llama-server)"};
    return {"runtime", access(path.c_str(), X_OK) == 0, path, "make it executable"};
}

Finding sandbox(Disk& disk) {
    SystemRng rng;
    // The probe keeps the node's id in the directory it is given: a look must leave nothing behind.
    const auto scratch = std::filesystem::temp_directory_path() / ("meridian-doctor-" + std::to_string(getpid()));
    std::filesystem::create_directories(scratch);
    const auto node = fleet::probe_host(disk, rng, *geography::Zone::parse("fr-par-1"), scratch.string());
    std::filesystem::remove_all(scratch);
    std::string layers;
    for (const auto& layer : node.sandbox_layers) layers += (layers.empty() ? "" : ", ") + layer;
    return {"sandbox", !layers.empty(), layers.empty() ? "no layer is available" : layers, "run on Linux 5.13 or newer for Landlock"};
}

int doctor(const Common& common) {
    real::PosixDisk disk;
    const app::Layout layout(common.data, "");
    std::vector<Finding> findings{data_directory(disk, layout), database(disk, layout, common.database)};
    for (auto& finding : ledgers(disk, layout)) findings.push_back(std::move(finding));
    findings.push_back(runtime());
    findings.push_back(sandbox(disk));
    bool good = true;
    JsonArray json;
    for (const auto& f : findings) {
        good = good && f.good;
        if (common.json) {
            json.push_back(JsonObject{{"check", f.what}, {"good", f.good}, {"said", f.said}, {"fix", f.good ? "" : f.fix}});
            continue;
        }
        fmt::print("{} {:<20} {}\n", f.good ? terminal::accent("✓") : terminal::bad("✗"), f.what, f.said);
        if (!f.good) fmt::print("  {:<20} {}\n", "", terminal::dim(f.fix));
    }
    if (common.json) print(json);
    return good ? ok : failed;
}

}  // namespace

void add_doctor(CLI::App& app, Common& common, const Chosen& chosen) {
    app.add_subcommand("doctor", "Look for what is wrong with this host and data directory")->callback([&common, chosen] {
        chosen([&common] { return doctor(common); });
    });
}

}  // namespace meridian::cli
