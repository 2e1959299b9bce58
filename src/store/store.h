// SQL behind a narrow interface: transactions are plain functions on the store's pool, every write gets a revision,
// and the change feed wakes whoever works from the rows. Knows no domain; the database library stays in this folder.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/async.h"
#include "base/disk.h"
#include "base/error.h"
#include "base/id.h"
#include "base/money.h"
#include "base/time.h"

namespace meridian::store {

using Revision = std::int64_t;

struct Blob {
    std::string bytes;
};
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

// C++ values to columns: bool and integers as bigint, ids and texts as text, times as bigint microseconds, money as bigint nanos.
inline Value value(std::nullopt_t) { return {}; }
inline Value value(bool v) { return std::int64_t{v}; }
template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
Value value(I v) {
    return static_cast<std::int64_t>(v);
}
inline Value value(double v) { return v; }
inline Value value(std::string_view v) { return std::string(v); }
inline Value value(const std::string& v) { return v; }
inline Value value(const char* v) { return std::string(v); }
inline Value value(Blob v) { return v; }
inline Value value(Timestamp v) { return std::int64_t{v.time_since_epoch().count()}; }
inline Value value(Money v) { return v.count(); }
template <class Tag>
Value value(const Id<Tag>& v) {
    return v.str();
}
template <class T>
Value value(const std::optional<T>& v) {
    return v ? value(*v) : Value{};
}

// One row of an answer. Reading a column as the wrong type, or null as a non-optional, is a bug and throws Error{bug}.
class Row {
public:
    Row(std::shared_ptr<const std::vector<std::string>> names, std::vector<Value> values)
        : names_(std::move(names)), values_(std::move(values)) {}
    template <class T>
    [[nodiscard]] T get(std::string_view column) const;
    [[nodiscard]] bool is_null(std::string_view column) const { return std::holds_alternative<std::monostate>(at(column)); }
    [[nodiscard]] const Value& at(std::string_view column) const;
    [[nodiscard]] const std::vector<std::string>& columns() const { return *names_; }

private:
    std::shared_ptr<const std::vector<std::string>> names_;
    std::vector<Value> values_;
};

// A transaction. Used only inside the function given to Store::write or Store::read, on the store's pool. Never awaits.
// Parameters are $1, $2, ... in the order given. Errors: a unique or foreign key violation is Error{conflict}, a full disk
// Error{unavailable} ("disk full"), the rest Error{bug}. After an error the transaction can only end: the function lets it out, or
// throws another.
class Tx {
public:
    virtual ~Tx() = default;
    template <class... A>
    std::vector<Row> query(std::string_view sql, const A&... a) {
        const Value values[] = {Value{}, value(a)...};
        return do_query(sql, std::span(values).subspan(1));
    }
    // Rows changed.
    template <class... A>
    std::int64_t run(std::string_view sql, const A&... a) {
        const Value values[] = {Value{}, value(a)...};
        return do_run(sql, std::span(values).subspan(1));
    }
    virtual std::vector<Row> do_query(std::string_view sql, std::span<const Value> values) = 0;
    virtual std::int64_t do_run(std::string_view sql, std::span<const Value> values) = 0;
    // By the clock of the database, which all who use it share.
    [[nodiscard]] virtual Timestamp now() = 0;
    // The revision this transaction will have when it commits (write transactions only).
    [[nodiscard]] virtual Revision revision() const = 0;
    // A line of the change feed, written with the transaction: "deployments", "0f3a...".
    virtual void changed(std::string_view topic, std::string_view key) = 0;
    // An audit line or event in the caller's transaction; drained by whoever owns the topic.
    virtual void outbox(std::string_view topic, std::string_view payload) = 0;
};

struct Change {
    Revision revision;
    std::string topic, key;
};
struct OutboxRow {
    std::int64_t id;
    Revision revision;
    std::string topic, payload;
};

// On whose behalf a write happens. Each row that the write declares changed then leaves a line in the outbox, in the same
// transaction: who, when, which row, a digest of it before and after. See events.h.
struct Author {
    std::string who;                   // a JSON object for those who drain the outbox; empty: the program itself, and no line
    std::vector<std::string> columns;  // of the row, that go along where it has them
};

// What a reconciler or snapshot builder listens to. Callbacks come on `executor`, after commit, in revision order, coalesced.
class ChangeFeed {
public:
    virtual ~ChangeFeed() = default;
    // Called with the newest revision whenever one of `topics` changed (empty: any). Ends when the returned token dies.
    virtual std::shared_ptr<void> listen(Executor executor, std::vector<std::string> topics, std::function<void(Revision)> wake) = 0;
};

struct OpenOptions {
    std::string path = {};  // "<data>/control/meridian.db"; a simulation's Disk has its own tree
    std::string migrations_room = "control";
    bool sync_full = true;  // durable when write() returns
    std::string url = {};   // "postgres://user@host:5432/name" for PostgreSQL instead of a file; several processes may use it
};

struct Lease;

class Store {
public:
    virtual ~Store() = default;
    // Applies outstanding migrations. The diagnostic tells an operator what to do (newer schema, corrupt file, read-only, locked).
    static expected<std::unique_ptr<Store>> open(Disk& disk, Clock& clock, Pool& pool, const OpenOptions& options);

    // Puts the backup at `from` in the place of the database, checked and with migrations applied; `from` stays as it is. Refuses
    // while a Meridian uses the database. Blocking.
    static expected<void> restore(Disk& disk, Clock& clock, Pool& pool, const std::string& from, const OpenOptions& to);

    // `f(Tx&)` in a transaction that no other write runs beside; commits when it returns, rolls back when it throws. Runs at most once.
    template <class F>
    auto write(F f) -> Task<std::invoke_result_t<F&, Tx&>> {
        return on(pool(), [this, f = std::move(f)]() mutable { return write_now(f); });
    }
    // The same with an author.
    template <class F>
    auto write(Author by, F f) -> Task<std::invoke_result_t<F&, Tx&>> {
        return on(pool(), [this, by = std::move(by), f = std::move(f)]() mutable { return write_now(by, f); });
    }
    // `f(Tx&)` in a read transaction (one snapshot).
    template <class F>
    auto read(F f) -> Task<std::invoke_result_t<F&, Tx&>> {
        return on(pool(), [this, f = std::move(f)]() mutable { return read_now(f); });
    }

    // The same, blocking: start-up and tests only.
    template <class F>
    auto write_now(F&& f) -> std::invoke_result_t<F&, Tx&> {
        return now(f, [this](const auto& g) { transact(Author{}, g); });
    }
    template <class F>
    auto write_now(const Author& by, F&& f) -> std::invoke_result_t<F&, Tx&> {
        return now(f, [this, &by](const auto& g) { transact(by, g); });
    }
    template <class F>
    auto read_now(F&& f) -> std::invoke_result_t<F&, Tx&> {
        return now(f, [this](const auto& g) { look(g); });
    }

    virtual ChangeFeed& feed() = 0;
    virtual Pool& pool() = 0;
    virtual std::vector<Change> changes_since(Revision revision, std::size_t limit) = 0;   // blocking
    virtual std::vector<OutboxRow> outbox(std::string_view topic, std::size_t limit) = 0;  // blocking
    virtual void outbox_done(std::string_view topic, std::int64_t up_to_id) = 0;           // blocking
    // A consistent copy of the whole database while others read and write. Blocking. Not for a database elsewhere.
    virtual expected<void> backup_to(const std::string& path) = 0;
    // Where the database is when it is no file of ours: its URL without a password. Else "".
    virtual std::string elsewhere() = 0;
    // From now on every write is one that only the holder of the lease may do (leases.h). Blocking.
    virtual void fence(const Lease& lease) = 0;
    // "ok", or what is wrong. Blocking.
    virtual std::string integrity() = 0;

protected:
    virtual void transact(const Author& by, const std::function<void(Tx&)>& f) = 0;
    virtual void look(const std::function<void(Tx&)>& f) = 0;

private:
    template <class F, class Run>
    auto now(F& f, const Run& run) -> std::invoke_result_t<F&, Tx&> {
        using R = std::invoke_result_t<F&, Tx&>;
        if constexpr (std::is_void_v<R>) {
            run([&](Tx& tx) { f(tx); });
        } else {
            std::optional<R> result;
            run([&](Tx& tx) { result.emplace(f(tx)); });
            return std::move(*result);
        }
    }
};

template <>
std::int64_t Row::get(std::string_view) const;
template <>
int Row::get(std::string_view) const;
template <>
std::uint32_t Row::get(std::string_view) const;
template <>
std::uint64_t Row::get(std::string_view) const;
template <>
bool Row::get(std::string_view) const;
template <>
double Row::get(std::string_view) const;
template <>
std::string Row::get(std::string_view) const;
template <>
Blob Row::get(std::string_view) const;
template <>
Timestamp Row::get(std::string_view) const;
template <>
Money Row::get(std::string_view) const;
template <>
std::optional<std::string> Row::get(std::string_view) const;
template <>
std::optional<std::int64_t> Row::get(std::string_view) const;
template <>
std::optional<Timestamp> Row::get(std::string_view) const;

// A stored id that does not parse is a damaged row: Error{bug}.
template <class TypedId>
TypedId id_in(const Row& row, std::string_view column) {
    if (auto id = TypedId::parse(row.get<std::string>(column))) return *id;
    throw Error(Fault::bug, "A stored identifier is damaged.", std::string("column ") + std::string(column));
}

}  // namespace meridian::store
