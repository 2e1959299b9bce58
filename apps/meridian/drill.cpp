#include "drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backup.h"
#include "base/json.h"
#include "base/real/real.h"
#include "metering/service.h"
#include "store/store.h"

namespace meridian::app {
namespace {

struct Scratch {
    explicit Scratch(std::string p) : path(std::move(p)) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

DrillCheck check_database(Disk& disk, Clock& clock, const Layout& layout, const std::string& elsewhere) {
    if (!elsewhere.empty())
        return {"database", true, fmt::format("in {}, and not in the backup: drill PostgreSQL's own restore, too", elsewhere)};
    real::ThreadPool pool(1);
    auto opened = store::Store::open(disk, clock, pool, {.path = layout.database()});
    if (!opened) return {"database", false, opened.error().said};
    if (const auto said = (*opened)->integrity(); said != "ok") return {"database", false, said};
    const auto counts = (*opened)->read_now([](store::Tx& tx) {
        const auto count = [&](const char* table) {
            return tx.query(fmt::format("select count(*) as n from {}", table)).front().get<std::int64_t>("n");
        };
        return fmt::format("{} projects, {} keys, {} deployments", count("projects"), count("api_keys"), count("deployments"));
    });
    return {"database", true, counts};
}

}  // namespace

bool DrillResult::is_good() const { return !checks.empty() && std::ranges::all_of(checks, &DrillCheck::is_good); }

DrillResult drill(Disk& disk, Clock& clock, const std::string& backup, const std::string& scratch) {
    const auto began = clock.steady();
    const Scratch place(scratch);
    DrillResult result;
    const auto restored = restore(disk, backup, scratch);
    result.checks.push_back({"files", restored.has_value(), restored ? "each has its digest" : restored.error().said});
    if (restored) {
        result.files = restored->files;
        result.bytes = restored->bytes;
        if (const auto manifest = disk.read_file(backup + "/manifest.json"))
            if (const auto json = parse_json(*manifest))
                if (const auto* at = text_member(*json, "made_at")) result.made_at = view(*at);
        result.checks.push_back(check_database(disk, clock, Layout(scratch, ""), restored->database));
        for (const auto& zone : disk.list(scratch + "/zones").value_or(std::vector<std::string>())) {
            const auto verdict = metering::Meter::verify_directory(disk, Layout(scratch, zone).ledger());
            result.checks.push_back({"ledger of " + zone, verdict.good, verdict.said});
        }
    }
    result.took = clock.steady() - began;
    return result;
}

}  // namespace meridian::app
