#include "store/sql_store.h"

#include <fmt/format.h>

#include <limits>

namespace meridian::store {
namespace {

constexpr Revision changes_kept = 100'000;  // a listener further behind reads the rows anew
constexpr Revision prune_every = 1'000;     // so that a commit seldom pays for it

}  // namespace

void RowsTx::changed(std::string_view topic, std::string_view key) {
    MERIDIAN_ASSERT(access_ == Access::write);
    changes_.emplace(topic, key);
}

void RowsTx::outbox(std::string_view topic, std::string_view payload) {
    MERIDIAN_ASSERT(access_ == Access::write);
    const auto next = query(
        "insert into sequences (name, last) values ('outbox', 1) on conflict (name) do update set last = sequences.last + 1 returning "
        "last");
    run("insert into outbox (id, revision, topic, payload) values ($1, $2, $3, $4)", next.at(0).get<std::int64_t>("last"), revision_, topic,
        payload);
}

bool RowsTx::finish(Timestamp now) {
    if (changes_.empty() && !has_written()) return false;
    run("insert into revisions (revision, at) values ($1, $2)", revision_, now);
    for (const auto& [topic, key] : changes_) run("insert into changes (revision, topic, key) values ($1, $2, $3)", revision_, topic, key);
    if (revision_ % prune_every == 0) {
        run("delete from changes where revision <= $1", revision_ - changes_kept);
        run("delete from revisions where revision <= $1", revision_ - changes_kept);
    }
    return true;
}

std::set<std::string, std::less<>> RowsTx::topics() const {
    std::set<std::string, std::less<>> all;
    for (const auto& [topic, key] : changes_) all.insert(topic);
    return all;
}

SqlStore::Turn::Turn(SqlStore& store) : store_(store) {
    MERIDIAN_ASSERT(store.writing_thread_ != std::this_thread::get_id());
    store.writing_.lock();
    store.writing_thread_ = std::this_thread::get_id();
}

SqlStore::Turn::~Turn() {
    store_.writing_thread_ = std::thread::id();
    store_.writing_.unlock();
}

bool SqlStore::fill(RowsTx& tx, const Author& by, const std::function<void(Tx&)>& f, TableNamed table_named, Timestamp now) {
    if (lease_) hold_to(tx, *lease_);
    f(tx);
    if (!by.who.empty() && !tx.changes().empty()) look([&](Tx& before) { add_events(by, now, tx.changes(), table_named, before, tx); });
    return tx.finish(now);
}

std::vector<Change> SqlStore::changes_since(Revision revision, std::size_t limit) {
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

std::vector<OutboxRow> SqlStore::outbox(std::string_view topic, std::size_t limit) {
    std::vector<OutboxRow> found;
    look([&](Tx& tx) {
        for (const Row& row : tx.query("select id, revision, payload from outbox where topic = $1 order by id limit $2", topic, limit))
            found.push_back(
                {row.get<std::int64_t>("id"), row.get<std::int64_t>("revision"), std::string(topic), row.get<std::string>("payload")});
    });
    return found;
}

void SqlStore::outbox_done(std::string_view topic, std::int64_t up_to_id) {
    transact({}, [&](Tx& tx) { tx.run("delete from outbox where topic = $1 and id <= $2", topic, up_to_id); });
}

void SqlStore::fence(const Lease& lease) {
    const Turn turn(*this);
    lease_ = lease;
}

}  // namespace meridian::store
