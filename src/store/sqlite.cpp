// The store on SQLite: one writer, a few readers, one database file. The writer's mutex is the queue of write transactions, so
// nothing in the program ever sees "database is locked"; readers have their snapshots and are never in its way.
#include "store/sqlite.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "store/connection.h"
#include "store/sql_store.h"

namespace meridian::store {
namespace {

constexpr std::size_t readers_max = 4;
constexpr std::int64_t checked_bytes = 16 << 20;  // a database up to this size is checked at every opening (some milliseconds)

class SqliteTx final : public RowsTx {
public:
    SqliteTx(Connection& connection, Clock& clock, Access access, Revision revision)
        : RowsTx(access, revision), connection_(connection), clock_(clock), rows_before_(connection.rows_changed()) {}

    std::vector<Row> do_query(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.query(sql, values);
    }
    std::int64_t do_run(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.run(sql, values);
    }
    [[nodiscard]] Timestamp now() override { return clock_.now(); }

protected:
    [[nodiscard]] bool has_written() const override {
        still_open();
        return connection_.rows_changed() != rows_before_;
    }

private:
    // SQLite ends a transaction by itself when the disk is full. What the function does after such an error must not be
    // written one by one.
    void still_open() const {
        if (!connection_.in_transaction())
            throw Error(Fault::unavailable, "The change was given up, so nothing was saved. Try again.",
                        "the database ended the transaction");
    }

    Connection& connection_;
    Clock& clock_;
    std::int64_t rows_before_;
};

std::optional<Table> sqlite_table(Tx& tx, const std::string& name) {
    const auto keys = tx.query("select name from pragma_table_info($1) where pk = 1", name);
    if (keys.empty()) return std::nullopt;
    Table made{name, keys.front().get<std::string>("name"), {}};
    for (const auto& row :
         tx.query("select m.name as part, f.\"from\" as reference from sqlite_master m, pragma_foreign_key_list(m.name) f "
                  "where m.type = 'table' and f.\"table\" = $1 and f.on_delete = 'CASCADE' order by 1, 2",
                  name))
        made.parts.push_back({row.get<std::string>("part"), row.get<std::string>("reference")});
    return made;
}

struct Rollback {
    Connection& connection;
    ~Rollback() { connection.rollback(); }  // nothing once committed
};

class SqliteStore final : public SqlStore {
public:
    SqliteStore(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options, std::unique_ptr<DirectoryLock> lock)
        : SqlStore(clock, pool),
          disk_(disk),
          path_(options.path),
          sync_(options.sync_full ? Sync::full : Sync::normal),
          lock_(std::move(lock)),
          vfs_(disk, clock),
          writer_(vfs_, path_, Access::write, sync_) {}

    expected<void> prepare(std::span<const Migration> all) {
        if (auto sound = check_small(); !sound) return sound;
        const auto mode = writer_.query("pragma journal_mode = wal").at(0).get<std::string>("journal_mode");
        if (mode != "wal") return complaint("it could not be switched to write-ahead logging. Look whether another program has it open.");
        if (auto done = migrate(writer_, all, clock_.now()); !done) return done;
        last_ = writer_.query("select coalesce(max(revision), 0) as newest from revisions").at(0).get<std::int64_t>("newest");
        return {};
    }

    expected<void> backup_to(const std::string& path) override;
    std::string elsewhere() override { return {}; }
    std::string integrity() override;

protected:
    void transact(const Author& by, const std::function<void(Tx&)>& f) override {
        const Turn turn(*this);
        const Rollback guard{writer_};
        writer_.run("begin immediate");
        SqliteTx tx(writer_, clock_, Access::write, last_ + 1);
        const bool wrote = fill(tx, by, f, sqlite_table, clock_.now());
        writer_.run("commit");
        if (!wrote) return;
        ++last_;
        feed_.committed(last_, tx.topics());
    }

    void look(const std::function<void(Tx&)>& f) override {
        const auto reader = borrow();
        const Rollback guard{*reader};
        reader->run("begin");
        SqliteTx tx(*reader, clock_, Access::read, 0);
        f(tx);
    }

private:
    struct GiveBack {
        SqliteStore* store;
        void operator()(Connection* reader) const {
            const std::lock_guard lock(store->reading_);
            store->idle_.emplace_back(reader);
            store->freed_.notify_one();
        }
    };
    using Borrowed = std::unique_ptr<Connection, GiveBack>;

    Borrowed borrow() {
        std::unique_lock lock(reading_);
        freed_.wait(lock, [&] { return !idle_.empty() || readers_ < readers_max; });
        if (idle_.empty()) {
            auto made = std::make_unique<Connection>(vfs_, path_, Access::read, sync_);
            ++readers_;
            return Borrowed(made.release(), GiveBack{this});
        }
        auto reader = std::move(idle_.back());
        idle_.pop_back();
        return Borrowed(reader.release(), GiveBack{this});
    }

    // A damaged page may sleep for weeks in a table that nobody reads; in a small database it is found at the start.
    expected<void> check_small() {
        const auto number = [&](std::string_view pragma, std::string_view column) {
            return writer_.query(pragma).at(0).get<std::int64_t>(column);
        };
        if (number("pragma page_count", "page_count") * number("pragma page_size", "page_size") > checked_bytes) return {};
        const auto said = writer_.query("pragma quick_check(1)").at(0).get<std::string>("quick_check");
        if (said == "ok") return {};
        return complaint(fmt::format("it is damaged ({}). Stop Meridian and bring a backup back with `meridian restore`.", said));
    }

    Disk& disk_;
    std::string path_;
    Sync sync_;
    std::unique_ptr<DirectoryLock> lock_;
    Vfs vfs_;
    Connection writer_;  // of whoever has the turn, as `last_`
    Revision last_ = 0;

    std::mutex reading_;
    std::condition_variable freed_;
    std::size_t readers_ = 0;
    std::vector<std::unique_ptr<Connection>> idle_;  // destroyed before the writer, which cleans up the log
};

expected<void> SqliteStore::backup_to(const std::string& path) {
    const std::string partial = path + ".partial";
    const auto failed = [&](const std::string& why) {
        (void)disk_.remove(partial);  // it may not exist; the reason that is told is the first one
        return complaint(fmt::format("The backup {} was not made: {}", path, why));
    };
    if (const auto done = disk_.make_durable_directories(parent_of(path)); !done) return failed(done.error().said);
    if (const auto gone = disk_.remove(partial); !gone && gone.error().kind != DiskError::Kind::not_found) return failed(gone.error().said);
    try {
        // A connection of its own, so that a long copy takes no reader away. It reads one snapshot; writers go on beside it.
        Connection source(vfs_, path_, Access::write, sync_);
        const Value values[] = {value(partial)};
        source.run("vacuum into $1", values);
    } catch (const Error& e) {
        log::warn("store", "backup failed: {}", e.logged);
        return failed(e.said);
    }
    const auto copy = disk_.open(partial, Disk::Open::write_existing);
    if (!copy) return failed(copy.error().said);
    if (const auto done = (*copy)->sync(); !done) return failed(done.error().said);
    if (const auto done = disk_.rename(partial, path); !done) return failed(done.error().said);
    if (const auto done = disk_.sync_directory(parent_of(path)); !done) return failed(done.error().said);
    return {};
}

std::string SqliteStore::integrity() {
    std::string said;
    try {
        look([&](Tx& tx) {
            for (const Row& row : tx.query("pragma integrity_check")) said += row.get<std::string>("integrity_check") + "\n";
            for (const Row& row : tx.query("pragma foreign_key_check"))
                said += fmt::format("a row of {} refers to a missing row of {}\n", row.get<std::string>("table"),
                                    row.get<std::string>("parent"));
        });
    } catch (const Error& e) {
        said += e.logged.empty() ? e.said : e.logged;
    }
    while (said.ends_with('\n')) said.pop_back();
    return said;
}

std::string why_no_lock(const DiskError& error, const std::string& directory) {
    switch (error.kind) {
        case DiskError::Kind::busy:
            return fmt::format("Another Meridian is using {}. Stop it first, or name another data directory with --data.", directory);
        case DiskError::Kind::read_only:
        case DiskError::Kind::denied:
            return fmt::format("The data directory {} cannot be written ({}). Make it writable, or name another with --data.", directory,
                               error.said);
        case DiskError::Kind::full:
            return fmt::format("The disk of {} is full. Free some space and start again.", directory);
        case DiskError::Kind::not_found:
        case DiskError::Kind::exists:
        case DiskError::Kind::io:
            break;
    }
    return fmt::format("The data directory {} cannot be used: {}.", directory, error.said);
}

}  // namespace

expected<std::unique_ptr<DirectoryLock>> hold(Disk& disk, const std::string& path) {
    const std::string directory = parent_of(path);
    if (const auto made = disk.make_durable_directories(directory); !made) return complaint(why_no_lock(made.error(), directory));
    auto lock = disk.lock(path + ".lock");
    if (!lock) return complaint(why_no_lock(lock.error(), directory));
    return std::move(*lock);
}

expected<std::unique_ptr<Store>> open_sqlite(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options,
                                             std::span<const Migration> all) {
    auto lock = hold(disk, options.path);
    if (!lock) return std::unexpected(lock.error());
    try {
        auto made = std::make_unique<SqliteStore>(disk, clock, pool, options, std::move(*lock));
        if (const auto ready = made->prepare(all); !ready)
            return complaint(fmt::format("The database {} cannot be opened: {}", options.path, ready.error().said));
        return made;
    } catch (const Error& e) {
        return complaint(fmt::format("The database {} cannot be opened. {} ({})", options.path, e.said, e.logged));
    }
}

}  // namespace meridian::store
