#include "metering/log/export.h"

#include <fmt/format.h>

#include "metering/log/tile.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

expected<void> write(Disk& disk, const std::string& path, std::string_view bytes) {
    if (const auto made = disk.make_durable_directories(parent_of(path)); !made) return complaint(made.error().said + ".");
    if (const auto written = disk.replace_file(path, bytes); !written) return complaint(written.error().said + ".");
    return {};
}

// How many leaves an earlier export had; 0 where there is none.
expected<std::uint64_t> exported_before(Disk& disk, const std::string& to, const WholeLog& log) {
    const auto is_there = disk.exists(to + "/checkpoint");
    if (!is_there) return complaint(is_there.error().said + ".");
    if (!*is_there) return 0;
    const auto before = newest_published(disk, to, log.keys);
    if (!before)
        return complaint(fmt::format("{} holds a log that is not signed by {}; name another directory.", to, log.keys.back().str()));
    if (before->size > log.published.size || log.history.tree.root(before->size) != before->root)
        return complaint(
            fmt::format("{} holds {} leaves that are not the first of this log: one of the two was changed.", to, before->size));
    return before->size;
}

}  // namespace

expected<Exported> export_log(Disk& disk, const std::string& ledger, const std::string& to) {
    const auto log = read_log(disk, ledger);
    if (!log) return std::unexpected(log.error());
    const auto before = exported_before(disk, to, *log);
    if (!before) return std::unexpected(before.error());
    Exported done{log->published.size, 0};
    for (const auto& tile : new_tiles(*before, done.size)) {
        if (auto written = write(disk, fmt::format("{}/tile/{}", to, tile.path()), tile_bytes(log->history.tree, tile)); !written)
            return std::unexpected(written.error());
        ++done.tiles;
    }
    if (auto written = write(disk, to + "/key", log->keys.back().str() + "\n"); !written) return std::unexpected(written.error());
    if (log->witnessed && log->witnessed->size <= done.size) {
        if (auto written = write(disk, to + "/witnessed", log->witnessed->note); !written) return std::unexpected(written.error());
    }
    if (auto written = write(disk, to + "/checkpoint", log->published.note); !written) return std::unexpected(written.error());
    return done;
}

}  // namespace meridian::metering
