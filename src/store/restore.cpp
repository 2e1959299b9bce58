#include <fmt/format.h>

#include <vector>

#include "store/postgres/store.h"
#include "store/sqlite.h"

namespace meridian::store {
namespace {

constexpr std::size_t copy_bytes = 1 << 20;

DiskResult<void> remove_if_there(Disk& disk, const std::string& path) {
    auto removed = disk.remove(path);
    if (!removed && removed.error().kind == DiskError::Kind::not_found) return {};
    return removed;
}

DiskResult<void> copy(Disk& disk, const std::string& from, const std::string& to) {
    const auto source = disk.open(from, Disk::Open::read);
    if (!source) return std::unexpected(source.error());
    if (auto removed = remove_if_there(disk, to); !removed) return removed;
    const auto target = disk.open(to, Disk::Open::create_new);
    if (!target) return std::unexpected(target.error());
    std::vector<char> piece(copy_bytes);
    for (std::uint64_t at = 0;;) {
        const auto got = (*source)->read(at, piece);
        if (!got) return std::unexpected(got.error());
        if (auto done = (*target)->write(at, {piece.data(), *got}); !done) return done;
        at += *got;
        if (*got < piece.size()) return (*target)->sync();
    }
}

// The old database's log goes first: beside a new file it would be replayed into it. A power cut between the two leaves the
// old database as of its last checkpoint, and the operator, who was not told "restored", restores again.
DiskResult<void> put_in_place(Disk& disk, const std::string& whole, const std::string& path) {
    if (auto done = remove_if_there(disk, path + "-wal"); !done) return done;
    if (auto done = disk.sync_directory(parent_of(path)); !done) return done;
    if (auto done = disk.rename(whole, path); !done) return done;
    return disk.sync_directory(parent_of(path));
}

}  // namespace

expected<std::unique_ptr<Store>> Store::open(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options) {
    const auto all = migrations(options.migrations_room);
    return options.url.empty() ? open_sqlite(disk, clock, pool, options, all) : postgres::open(clock, pool, options, all);
}

expected<void> Store::restore(Disk& disk, Clock& clock, Pool& pool, const std::string& from, const OpenOptions& to) {
    if (!to.url.empty()) return complaint("A database elsewhere is restored by PostgreSQL's own means.");
    const auto lock = hold(disk, to.path);
    if (!lock) return std::unexpected(lock.error());
    const std::string partial = to.path + ".restoring";
    const auto failed = [&](const std::string& why) {
        for (const char* part : {"", "-wal", ".lock"}) (void)disk.remove(partial + part);  // what is told is the first reason
        return complaint(fmt::format("The backup {} was not restored, and the database is as it was: {}", from, why));
    };
    if (const auto done = remove_if_there(disk, partial + "-wal"); !done) return failed(done.error().said);
    if (const auto done = copy(disk, from, partial); !done) return failed(done.error().said);
    OpenOptions checked = to;
    checked.path = partial;
    // Opened and closed: it is a database of ours, of a version we know, sound, and without a log of its own afterwards.
    auto opened = open(disk, clock, pool, checked);
    if (!opened) return failed(opened.error().said);
    if (const auto said = (*opened)->integrity(); said != "ok") return failed(fmt::format("the backup is damaged ({}).", said));
    opened->reset();
    if (const auto done = put_in_place(disk, partial, to.path); !done)
        return complaint(fmt::format("The backup {} was not restored: {}. Try again.", from, done.error().said));
    (void)disk.remove(partial + ".lock");  // an empty file that nobody looks for
    return {};
}

}  // namespace meridian::store
