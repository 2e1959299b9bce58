// One connection to the database: prepared statements, values in and out, and SQLite's complaints as Errors.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/sql_store.h"
#include "store/store.h"
#include "store/vfs.h"

struct sqlite3;
struct sqlite3_stmt;

namespace meridian::store {

enum class Sync { full, normal };

// Used by one thread at a time.
class Connection {
public:
    Connection(const Vfs& vfs, const std::string& path, Access access, Sync sync);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    std::vector<Row> query(std::string_view sql, std::span<const Value> values = {});
    // Rows changed by the statement itself.
    std::int64_t run(std::string_view sql, std::span<const Value> values = {});
    // Any number of statements, without parameters and answers.
    void script(const std::string& sql);
    // Ends an open transaction without a trace; SQLite may have done so already (disk full).
    void rollback() noexcept;
    [[nodiscard]] bool in_transaction() const;
    // Rows changed since the connection was opened, cascades counted.
    [[nodiscard]] std::int64_t rows_changed() const;

private:
    struct Close {
        void operator()(sqlite3* native) const;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    struct Prepared {
        std::unique_ptr<sqlite3_stmt, Finalize> statement;
        std::shared_ptr<const std::vector<std::string>> columns;
    };
    // A bound statement; reset when the caller is done.
    class Use;

    Prepared& prepared(std::string_view sql);
    Use start(std::string_view sql, std::span<const Value> values);
    // True while there is a row.
    bool step(sqlite3_stmt* statement);
    [[noreturn]] void fail(int code, std::string_view doing) const;

    const Vfs& vfs_;
    Access access_;
    std::unique_ptr<sqlite3, Close> native_;
    std::map<std::string, Prepared, std::less<>> statements_;
};

}  // namespace meridian::store
