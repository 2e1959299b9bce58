// The store on PostgreSQL. All who write to one database, in whatever process, wait for one advisory lock, so each write transaction
// runs alone and its revision follows the last one without a gap; readers have snapshots and are never in its way. A commit whose answer
// is lost with the connection is looked for: once the lock is free again that transaction has ended, and its row in `revisions` is there
// or not. Nothing is ever run twice.
#include "store/postgres/store.h"

#include <fmt/format.h>

#include <condition_variable>
#include <thread>

#include "base/log.h"
#include "store/postgres/connection.h"
#include "store/postgres/listener.h"
#include "store/postgres/migrations.h"
#include "store/sql_store.h"

namespace meridian::store::postgres {
namespace {

using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock;

constexpr std::size_t readers_max = 4;
constexpr milliseconds outcome_within{30'000};  // that the end of a commit is looked for, through a restart of the server

std::optional<Table> postgres_table(Tx& tx, const std::string& name) {
    constexpr std::string_view of_table = "c.relname = $1 and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace";
    const auto keys = tx.query(fmt::format("select a.attname::text as name from pg_class c join pg_index i on i.indrelid = c.oid and "
                                           "i.indisprimary join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where "
                                           "a.atttypid = 'text'::regtype and {}",
                                           of_table),
                               name);
    if (keys.empty()) return std::nullopt;
    Table made{name, keys.front().get<std::string>("name"), {}};
    for (const auto& row :
         tx.query(fmt::format("select p.relname::text as part, a.attname::text as reference from pg_class c join pg_constraint f on "
                              "f.confrelid = c.oid and f.contype = 'f' and f.confdeltype = 'c' join pg_class p on p.oid = f.conrelid "
                              "join pg_attribute a on a.attrelid = p.oid and a.attnum = f.conkey[1] where {} order by 1, 2",
                              of_table),
                  name))
        made.parts.push_back({row.get<std::string>("part"), row.get<std::string>("reference")});
    return made;
}

class PostgresTx final : public RowsTx {
public:
    PostgresTx(Connection& connection, Access access, Revision revision)
        : RowsTx(access, revision), connection_(connection), rows_before_(connection.rows_changed()) {}
    std::vector<Row> do_query(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.query(sql, values);
    }
    std::int64_t do_run(std::string_view sql, std::span<const Value> values) override {
        still_open();
        return connection_.run(sql, values);
    }
    [[nodiscard]] Timestamp now() override {
        return query("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now").at(0).get<Timestamp>("now");
    }
    // After an error the server commits nothing of the transaction, whatever the function that saw it thought.
    void still_open() const {
        if (!connection_.is_alive() || connection_.is_given_up())
            throw Error(Fault::unavailable, "The change was given up, so nothing was saved. Try again.",
                        "an earlier statement of the transaction failed");
    }

protected:
    [[nodiscard]] bool has_written() const override {
        still_open();
        return connection_.rows_changed() != rows_before_;
    }

private:
    Connection& connection_;
    std::int64_t rows_before_;
};

class PostgresStore final : public SqlStore {
public:
    PostgresStore(Clock& clock, Pool& pool, const OpenOptions& options, Server server)
        : SqlStore(clock, pool), sync_full_(options.sync_full), dialler_(std::move(server)) {}

    expected<void> prepare(std::span<const Migration> all) {
        writer_ = dialler_.dial();
        if (auto done = migrate(*writer_, all, clock_.now()); !done) return done;
        const auto newest = writer_->query("select coalesce(max(revision), 0) as newest from revisions").at(0).get<std::int64_t>("newest");
        take(dialler_.dial());
        listener_.emplace(dialler_, feed_, newest, writer_backend_);
        return {};
    }

    expected<void> backup_to(const std::string& path) override {
        return complaint(
            fmt::format("The backup {} was not made: the database {} is saved by PostgreSQL's own means (pg_dump, or a base "
                        "backup with its log for any point in time).",
                        path, dialler_.to().shown));
    }
    std::string elsewhere() override { return dialler_.to().shown; }
    std::string integrity() override;

protected:
    void transact(const Author& by, const std::function<void(Tx&)>& f) override {
        const Turn turn(*this);
        struct GiveUp {
            PostgresStore& store;
            ~GiveUp() {
                if (store.writer_) store.writer_->rollback();  // nothing once committed
                if (store.writer_ && !store.writer_->is_alive()) store.writer_.reset();
            }
        } const guard{*this};
        const auto [next, transaction] = begin();
        PostgresTx tx(*writer_, Access::write, next);
        const auto now = clock_.now();
        const bool wrote = fill(tx, by, f, postgres_table, now);
        tx.still_open();
        if (!wrote) return;
        commit(next, transaction, now);
        feed_.committed(next, tx.topics());
    }

    void look(const std::function<void(Tx&)>& f) override {
        auto reader = borrow();
        struct End {
            Connection& connection;
            ~End() { connection.rollback(); }
        } const guard{*reader};
        PostgresTx tx(*reader, Access::read, 0);
        f(tx);
    }

private:
    struct Begun {
        Revision next;
        std::string transaction;
    };

    void take(std::unique_ptr<Connection> writer) {
        if (!sync_full_) writer->script("set synchronous_commit = off");
        writer_backend_ = writer->backend();
        writer_ = std::move(writer);
    }

    // One question to the server. A connection that died while nobody used it is replaced: nothing has run yet.
    Begun begin() {
        // Each statement has a snapshot of its own, so the newest revision is read after the others have ended.
        const auto sql = fmt::format(
            "begin isolation level read committed read write; select pg_advisory_xact_lock({}); select coalesce(max(revision), 0) + 1 as "
            "next, pg_current_xact_id()::xid::text as transaction from revisions",
            writers_lock);
        for (bool again = writer_ != nullptr;; again = false) {
            if (!writer_) take(dialler_.dial());
            try {
                const auto row = writer_->script(sql).at(0);
                return {row.get<std::int64_t>("next"), row.get<std::string>("transaction")};
            } catch (const Error&) {
                if (!again || writer_->is_alive()) throw;
                writer_.reset();
            }
        }
    }

    void commit(Revision revision, const std::string& transaction, Timestamp at) {
        try {
            writer_->script(fmt::format("notify {}, '{}'; commit", channel, revision));
            return;
        } catch (const Error& e) {
            if (writer_->is_alive()) throw;  // refused
            log::warn("store", "the connection to the database was lost during a commit: {}", e.logged);
        }
        writer_.reset();
        if (!has_committed(revision, transaction, at))
            throw Error(Fault::unavailable, "The connection to the database was lost, so nothing was saved. Try again in a moment.",
                        fmt::format("revision {} is not there", revision));
    }

    bool has_committed(Revision revision, const std::string& transaction, Timestamp at) {
        const Value values[] = {value(revision), value(at), value(transaction)};
        const auto until = Instant::now() + outcome_within;
        for (;;) {
            try {
                if (!writer_) take(dialler_.dial());
                // The one that we lost has the lock to its end.
                writer_->script(fmt::format("begin; select pg_advisory_xact_lock({})", writers_lock));
                const auto found =
                    writer_->query("select 1 as one from revisions where revision = $1 and at = $2 and xmin::text = $3", values);
                writer_->rollback();
                return !found.empty();
            } catch (const Error& e) {
                writer_.reset();
                if (Instant::now() > until)
                    throw Error(Fault::unavailable,
                                fmt::format("The connection to the database was lost while the change was being saved, and whether it was "
                                            "saved could not be found out within {} s. Look before you repeat it.",
                                            outcome_within.count() / 1000),
                                fmt::format("revision {}: {}", revision, e.logged));
            }
            std::this_thread::sleep_for(dialler_.pause());
        }
    }

    struct GiveBack {
        PostgresStore* store;
        void operator()(Connection* reader) const {
            std::unique_ptr<Connection> mine(reader);
            const std::lock_guard lock(store->reading_);
            if (mine->is_alive())
                store->idle_.push_back(std::move(mine));
            else
                --store->readers_;
            store->freed_.notify_one();
        }
    };
    using Borrowed = std::unique_ptr<Connection, GiveBack>;

    // With its transaction begun. Those that died while nobody used them are thrown away.
    Borrowed borrow() {
        for (;;) {
            bool is_new = false;
            auto reader = idle_or_new(is_new);
            try {
                reader->script("begin isolation level repeatable read read only");
                return reader;
            } catch (const Error&) {
                if (is_new || reader->is_alive()) throw;
            }
        }
    }

    Borrowed idle_or_new(bool& is_new) {
        {
            std::unique_lock lock(reading_);
            freed_.wait(lock, [&] { return !idle_.empty() || readers_ < readers_max; });
            if (!idle_.empty()) {
                auto reader = std::move(idle_.back());
                idle_.pop_back();
                return Borrowed(reader.release(), GiveBack{this});
            }
            ++readers_;
        }
        is_new = true;
        try {
            return Borrowed(dialler_.dial().release(), GiveBack{this});
        } catch (const Error&) {
            const std::lock_guard lock(reading_);
            --readers_;
            freed_.notify_one();
            throw;
        }
    }

    bool sync_full_;
    Dialler dialler_;
    std::unique_ptr<Connection> writer_;  // of whoever has the turn; none while there is no connection
    std::atomic<int> writer_backend_ = 0;

    std::mutex reading_;
    std::condition_variable freed_;
    std::size_t readers_ = 0;
    std::vector<std::unique_ptr<Connection>> idle_;

    std::optional<Listener> listener_;  // ends first
};

// PostgreSQL keeps references and pages itself; what is left is what an operator may have switched off, and our own rows.
std::string PostgresStore::integrity() {
    std::string said;
    try {
        look([&](Tx& tx) {
            for (const Row& row : tx.query("select c.relname::text as name from pg_index i join pg_class c on c.oid = i.indexrelid where "
                                           "c.relnamespace = current_schema()::regnamespace and not (i.indisvalid and i.indisready)"))
                said += fmt::format("the index {} is not valid: reindex it\n", row.get<std::string>("name"));
            for (const Row& row : tx.query("select conname::text as name from pg_constraint where connamespace = "
                                           "current_schema()::regnamespace and not convalidated"))
                said += fmt::format("the constraint {} is not validated\n", row.get<std::string>("name"));
            const auto span = tx.query("select count(*) as n, coalesce(max(revision) - min(revision) + 1, 0) as wide from revisions").at(0);
            if (span.get<std::int64_t>("n") != span.get<std::int64_t>("wide")) said += "revisions are missing\n";
        });
    } catch (const Error& e) {
        said += e.logged.empty() ? e.said : e.logged;
    }
    while (said.ends_with('\n')) said.pop_back();
    return said.empty() ? "ok" : said;
}

}  // namespace

expected<std::unique_ptr<Store>> open(Clock& clock, Pool& pool, const OpenOptions& options, std::span<const Migration> all) {
    auto server = Server::parse(options.url);
    if (!server) return std::unexpected(server.error());
    const std::string shown = server->shown;
    try {
        auto made = std::make_unique<PostgresStore>(clock, pool, options, std::move(*server));
        if (const auto ready = made->prepare(all); !ready)
            return complaint(fmt::format("The database {} cannot be used: {}", shown, ready.error().said));
        return made;
    } catch (const Error& e) {
        return complaint(fmt::format("The database {} cannot be opened. {} ({})", shown, e.said, e.logged));
    }
}

}  // namespace meridian::store::postgres
