#include "database.h"

#include <fmt/format.h>

namespace meridian::app {
namespace {

bool is_there(Disk& disk, const std::string& path) {
    const auto there = disk.exists(path);
    return there && *there;
}

// "" where the rows are in a file, or there are none yet.
expected<std::string> remembered(Disk& disk, const Layout& layout) {
    if (!is_there(disk, layout.database_elsewhere())) return std::string();
    auto read = disk.read_file(layout.database_elsewhere());
    if (!read) return complaint(read.error().said);
    while (read->ends_with('\n')) read->pop_back();
    return *read;
}

bool holds_an_installation(store::Store& store) {
    return store.read_now([](store::Tx& tx) { return !tx.query("select name from settings limit 1").empty(); });
}

}  // namespace

bool has_database(Disk& disk, const Layout& layout) {
    return is_there(disk, layout.database()) || is_there(disk, layout.database_elsewhere());
}

expected<void> remember_database(Disk& disk, const Layout& layout, const std::string& shown) {
    if (auto made = disk.make_directories(layout.control()); !made) return complaint(made.error().said);
    if (auto written = disk.replace_file(layout.database_elsewhere(), shown + "\n"); !written) return complaint(written.error().said);
    return {};
}

expected<std::unique_ptr<store::Store>> open_database(Disk& disk, Clock& clock, Pool& pool, const Layout& layout, const std::string& url) {
    const auto before = remembered(disk, layout);
    if (!before) return std::unexpected(before.error());
    if (url.empty() && !before->empty())
        return complaint(fmt::format("The rows of '{}' are in {}. Name it with --database or MERIDIAN_DATABASE.", layout.root, *before));
    if (!url.empty() && before->empty() && is_there(disk, layout.database()))
        return complaint(fmt::format(
            "The rows of '{}' are in its file control/meridian.db. Bring them over first: meridian migrate --to URL", layout.root));
    auto opened = store::Store::open(disk, clock, pool, {.path = layout.database(), .url = url});
    if (!opened || url.empty()) return opened;
    const auto shown = (*opened)->elsewhere();
    if (!before->empty() && shown != *before && !holds_an_installation(**opened))
        return complaint(fmt::format("The database {} is empty, and the rows of '{}' were in {}.", shown, layout.root, *before));
    if (shown != *before) {
        if (auto done = remember_database(disk, layout, shown); !done) return std::unexpected(done.error());
    }
    return opened;
}

}  // namespace meridian::app
