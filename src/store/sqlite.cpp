// The store on SQLite: one writer, a few readers, one database file. The writer's mutex is the queue of write transactions, so
// nothing in the program ever sees "database is locked"; readers have their snapshots and are never in its way.
#include "store/sqlite.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"
#include "store/connection.h"
#include "store/events.h"
#include "store/feed.h"

namespace meridian::store {
namespace {

constexpr std::size_t readers_max = 4;
constexpr Revision changes_kept = 100'000;        // a listener further behind reads the rows anew
constexpr Revision prune_every = 1'000;           // so that a commit seldom pays for it
constexpr std::int64_t checked_bytes = 16 << 20;  // a database up to this size is checked at every opening (some milliseconds)

class SqliteTx final : public Tx {
public:
    SqliteTx(Connection& connection, Access access, Revision revision)
        : connection_(connection), access_(access), revision_(revision), rows_before_(connection.rows_changed()) {}

    std::vector<Row> do_query(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.query(sql, values);
    }
    std::int64_t do_run(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.run(sql, values);
    }
    [[nodiscard]] Revision revision() const override {
        MERIDIAN_ASSERT(access_ == Access::write);
        return revision_;
    }
    void changed(std::string_view topic, std::string_view key) override {
        MERIDIAN_ASSERT(access_ == Access::write);
        changes_.emplace(topic, key);
    }
    void outbox(std::string_view topic, std::string_view payload) override {
        MERIDIAN_ASSERT(access_ == Access::write);
        const auto next = query(
            "insert into sequences (name, last) values ('outbox', 1) on conflict (name) do update set last = sequences.last + 1 returning "
            "last");
        run("insert into outbox (id, revision, topic, payload) values ($1, $2, $3, $4)", next.at(0).get<std::int64_t>("last"), revision_,
            topic, payload);
    }

    // Writes the revision and its changes; true when there was anything to write.
    bool finish(Timestamp now) {
        still_open();
        if (changes_.empty() && connection_.rows_changed() == rows_before_) return false;
        run("insert into revisions (revision, at) values ($1, $2)", revision_, now);
        for (const auto& [topic, key] : changes_)
            run("insert into changes (revision, topic, key) values ($1, $2, $3)", revision_, topic, key);
        if (revision_ % prune_every == 0) {
            run("delete from changes where revision <= $1", revision_ - changes_kept);
            run("delete from revisions where revision <= $1", revision_ - changes_kept);
        }
        return true;
    }
    [[nodiscard]] const Changes& changes() const { return changes_; }
    [[nodiscard]] std::set<std::string, std::less<>> topics() const {
        std::set<std::string, std::less<>> all;
        for (const auto& [topic, key] : changes_) all.insert(topic);
        return all;
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
    Access access_;
    Revision revision_;
    std::int64_t rows_before_;
    Changes changes_;
};

struct Rollback {
    Connection& connection;
    ~Rollback() { connection.rollback(); }  // nothing once committed
};

class SqliteStore final : public Store {
public:
    SqliteStore(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options, std::unique_ptr<DirectoryLock> lock)
        : disk_(disk),
          clock_(clock),
          pool_(pool),
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

    ChangeFeed& feed() override { return feed_; }
    Pool& pool() override { return pool_; }

    std::vector<Change> changes_since(Revision revision, std::size_t limit) override {
        std::vector<Change> changes;
        look([&](Tx& tx) {
            const auto kept = tx.query("select min(revision) as oldest from revisions").at(0).get<std::optional<std::int64_t>>("oldest");
            if (kept && revision + 1 < *kept)
                throw Error(Fault::gone, "The change feed does not reach back that far. Read the rows anew.",
                            fmt::format("since {}", revision));
            // A revision is never cut in two: the caller goes on from the last one it was given.
            const auto rows = tx.query(
                "select revision, topic, key from changes where revision > $1 and revision <= coalesce((select revision from changes "
                "where revision > $1 order by revision, topic, key limit 1 offset $2), $3) order by revision, topic, key",
                revision, limit == 0 ? 0 : limit - 1, std::numeric_limits<std::int64_t>::max());
            for (const Row& row : rows)
                changes.push_back({row.get<std::int64_t>("revision"), row.get<std::string>("topic"), row.get<std::string>("key")});
        });
        return changes;
    }

    std::vector<OutboxRow> outbox(std::string_view topic, std::size_t limit) override {
        std::vector<OutboxRow> found;
        look([&](Tx& tx) {
            for (const Row& row : tx.query("select id, revision, payload from outbox where topic = $1 order by id limit $2", topic, limit))
                found.push_back(
                    {row.get<std::int64_t>("id"), row.get<std::int64_t>("revision"), std::string(topic), row.get<std::string>("payload")});
        });
        return found;
    }
    void outbox_done(std::string_view topic, std::int64_t up_to_id) override {
        transact({}, [&](Tx& tx) { tx.run("delete from outbox where topic = $1 and id <= $2", topic, up_to_id); });
    }

    expected<void> backup_to(const std::string& path) override;
    std::string integrity() override;

protected:
    void transact(const Author& by, const std::function<void(Tx&)>& f) override {
        MERIDIAN_ASSERT(writing_thread_ != std::this_thread::get_id());  // a write inside a write would wait for itself
        const std::lock_guard lock(writing_);
        struct Writing {
            std::atomic<std::thread::id>& thread;
            explicit Writing(std::atomic<std::thread::id>& t) : thread(t) { thread = std::this_thread::get_id(); }
            ~Writing() { thread = std::thread::id(); }
        } const writing(writing_thread_);
        const Rollback guard{writer_};
        writer_.run("begin immediate");
        SqliteTx tx(writer_, Access::write, last_ + 1);
        f(tx);
        const auto now = clock_.now();
        // Readers see what was committed before.
        if (!by.who.empty() && !tx.changes().empty()) look([&](Tx& before) { add_events(by, now, tx.changes(), before, tx); });
        const bool wrote = tx.finish(now);
        writer_.run("commit");
        if (!wrote) return;
        ++last_;
        feed_.committed(last_, tx.topics());
    }

    void look(const std::function<void(Tx&)>& f) override {
        const auto reader = borrow();
        const Rollback guard{*reader};
        reader->run("begin");
        SqliteTx tx(*reader, Access::read, 0);
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
    Clock& clock_;
    Pool& pool_;
    std::string path_;
    Sync sync_;
    std::unique_ptr<DirectoryLock> lock_;
    Feed feed_;
    Vfs vfs_;

    std::mutex writing_;  // guards the writer and `last_`; held through commit and the posting of wakes, which keeps their order
    std::atomic<std::thread::id> writing_thread_;
    Connection writer_;
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

expected<std::unique_ptr<Store>> Store::open(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options) {
    return open_sqlite(disk, clock, pool, options, migrations(options.migrations_room));
}

}  // namespace meridian::store
