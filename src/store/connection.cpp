#include "store/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/log.h"

namespace meridian::store {
namespace {

// Rooms write perhaps a hundred different statements; one that builds SQL from data would end here instead of in the memory.
constexpr std::size_t statements_max = 512;
// For the rare moments in which SQLite itself excludes a reader (recovery of the log at the first open).
constexpr int busy_milliseconds = 5'000;

std::string_view settings(Access access) {
    // Query_only comes last: it would forbid the others.
    switch (access) {
        case Access::write:
            return "pragma foreign_keys = on; pragma cache_size = -16384; pragma journal_size_limit = 67108864;";
        case Access::read:
            return "pragma cache_size = -4096; pragma query_only = on;";
    }
    return {};
}

void bind(sqlite3_stmt* statement, int at, const Value& value) {
    struct Bind {
        sqlite3_stmt* statement;
        int at;
        int operator()(std::monostate) const { return sqlite3_bind_null(statement, at); }
        int operator()(std::int64_t v) const { return sqlite3_bind_int64(statement, at, v); }
        int operator()(double v) const { return sqlite3_bind_double(statement, at, v); }
        int operator()(const std::string& v) const {
            return sqlite3_bind_text64(statement, at, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
        }
        int operator()(const Blob& v) const { return sqlite3_bind_blob64(statement, at, v.bytes.data(), v.bytes.size(), SQLITE_STATIC); }
    };
    if (std::visit(Bind{statement, at}, value) != SQLITE_OK) throw Error(Fault::too_large, "A value is too large to be stored.");
}

Value column(sqlite3_stmt* statement, int at) {
    const auto text = [&](const void* bytes) {
        return std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement, at)));
    };
    switch (sqlite3_column_type(statement, at)) {
        case SQLITE_INTEGER:
            return std::int64_t{sqlite3_column_int64(statement, at)};
        case SQLITE_FLOAT:
            return sqlite3_column_double(statement, at);
        case SQLITE_TEXT:
            return text(sqlite3_column_text(statement, at));
        case SQLITE_BLOB: {
            const void* bytes = sqlite3_column_blob(statement, at);
            return bytes == nullptr ? Blob{} : Blob{text(bytes)};
        }
        default:
            return {};
    }
}

}  // namespace

void Connection::Close::operator()(sqlite3* native) const { sqlite3_close_v2(native); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

class Connection::Use {
public:
    Use(sqlite3_stmt* statement, std::shared_ptr<const std::vector<std::string>> columns)
        : columns(std::move(columns)), statement(statement) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    const std::shared_ptr<const std::vector<std::string>> columns;
    sqlite3_stmt* const statement;
};

Connection::Connection(const Vfs& vfs, const std::string& path, Access access, Sync sync) : vfs_(vfs), access_(access) {
    sqlite3* native = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (access == Access::write ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &native, flags, vfs.name().c_str());
    native_.reset(native);
    if (native != nullptr) sqlite3_extended_result_codes(native, 1);
    if (code != SQLITE_OK) fail(code, "opening the database");
    sqlite3_busy_timeout(native, busy_milliseconds);
    script(fmt::format("pragma temp_store = memory; pragma trusted_schema = off; pragma cell_size_check = on; pragma synchronous = {}; {}",
                       sync == Sync::full ? "full" : "normal", settings(access)));
}

Connection::~Connection() { statements_.clear(); }

std::vector<Row> Connection::query(std::string_view sql, std::span<const Value> values) {
    const Use use = start(sql, values);
    std::vector<Row> rows;
    while (step(use.statement)) {
        std::vector<Value> row(use.columns->size());
        for (std::size_t i = 0; i < row.size(); ++i) row[i] = column(use.statement, static_cast<int>(i));
        rows.emplace_back(use.columns, std::move(row));
    }
    return rows;
}

std::int64_t Connection::run(std::string_view sql, std::span<const Value> values) {
    const Use use = start(sql, values);
    while (step(use.statement)) {
    }
    return sqlite3_stmt_readonly(use.statement) ? 0 : sqlite3_changes64(native_.get());
}

void Connection::script(const std::string& sql) {
    if (const int code = sqlite3_exec(native_.get(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
        fail(code, "running a script");
}

void Connection::rollback() noexcept {
    if (in_transaction()) sqlite3_exec(native_.get(), "rollback", nullptr, nullptr, nullptr);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(native_.get()) == 0; }
std::int64_t Connection::rows_changed() const { return sqlite3_total_changes64(native_.get()); }

Connection::Prepared& Connection::prepared(std::string_view sql) {
    if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
    if (statements_.size() >= statements_max) statements_.clear();
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const int code =
        sqlite3_prepare_v3(native_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, &rest);
    Prepared made{std::unique_ptr<sqlite3_stmt, Finalize>(statement), nullptr};
    if (code != SQLITE_OK) fail(code, sql);
    const std::string_view after = statement == nullptr ? std::string_view() : sql.substr(static_cast<std::size_t>(rest - sql.data()));
    if (statement == nullptr || after.find_first_not_of(" \t\r\n;") != std::string_view::npos)
        throw Error(Fault::bug, "A database statement is malformed.", fmt::format("one statement was expected: {}", sql));
    std::vector<std::string> columns;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) columns.emplace_back(sqlite3_column_name(statement, i));
    made.columns = std::make_shared<const std::vector<std::string>>(std::move(columns));
    return statements_.emplace(sql, std::move(made)).first->second;
}

Connection::Use Connection::start(std::string_view sql, std::span<const Value> values) {
    const Prepared& known = prepared(sql);
    sqlite3_stmt* statement = known.statement.get();
    if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != values.size())
        throw Error(Fault::bug, "A database statement is malformed.",
                    fmt::format("{} values for {} parameters: {}", values.size(), sqlite3_bind_parameter_count(statement), sql));
    for (std::size_t i = 0; i < values.size(); ++i) {
        // By name: SQLite numbers "$2, $1" in the order of appearance, PostgreSQL by the number.
        const int at = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
        if (at == 0) throw Error(Fault::bug, "A database statement is malformed.", fmt::format("no parameter ${}: {}", i + 1, sql));
        bind(statement, at, values[i]);
    }
    return Use(statement, known.columns);
}

bool Connection::step(sqlite3_stmt* statement) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(code, sqlite3_sql(statement));
    return false;
}

// SQLite's messages name tables and columns, never values, so they may be logged.
void Connection::fail(int code, std::string_view doing) const {
    const char* message = native_ ? sqlite3_errmsg(native_.get()) : sqlite3_errstr(code);
    const int extended = native_ ? sqlite3_extended_errcode(native_.get()) : code;
    std::string logged = fmt::format("SQLite {} ({}): {}", extended, message, doing);
    const auto with_disk = [&] { return fmt::format("{}; the disk said: {}", logged, vfs_.last_error()); };
    switch (extended & 0xff) {
        case SQLITE_CONSTRAINT:
            if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY || extended == SQLITE_CONSTRAINT_ROWID)
                throw Error(Fault::conflict, "There is already one with this name or identifier.", std::move(logged));
            if (extended == SQLITE_CONSTRAINT_FOREIGNKEY)
                throw Error(Fault::conflict, "Something that this refers to is not there, or something still refers to it.",
                            std::move(logged));
            break;
        case SQLITE_FULL:
            throw Error(Fault::unavailable, "The disk is full, so nothing was saved. Free some space and try again.", with_disk());
        case SQLITE_READONLY:
            if (access_ == Access::read) break;  // a write inside Store::read
            throw Error(Fault::unavailable, "The data directory is read-only, so nothing was saved. Make it writable and try again.",
                        with_disk());
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            log::error("store", "the database is damaged: {}", logged);
            throw Error(Fault::unavailable, "The database is damaged. Stop Meridian and bring a backup back with `meridian restore`.",
                        std::move(logged));
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            throw Error(Fault::unavailable, "The disk reported an error, so nothing was saved. Look at the log, then try again.",
                        with_disk());
        case SQLITE_BUSY:
        case SQLITE_PROTOCOL:
            throw Error(Fault::busy, "The database is busy. Try again in a moment.", std::move(logged));
        case SQLITE_TOOBIG:
            throw Error(Fault::too_large, "A value is too large to be stored.", std::move(logged));
        default:
            break;
    }
    throw Error(Fault::bug, "The database refused a statement of ours.", std::move(logged));
}

}  // namespace meridian::store
