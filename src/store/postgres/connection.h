// One connection to a PostgreSQL: prepared statements, values in and out, a limit for every answer, and notifications.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/postgres/server.h"
#include "store/store.h"

struct pg_conn;
struct pg_result;

namespace meridian::store::postgres {

inline constexpr std::chrono::seconds connect_within{5};
inline constexpr std::chrono::seconds statement_within{30};         // kept by the server
inline constexpr std::chrono::seconds lock_within{10};              // for the writer of another process
inline constexpr std::chrono::seconds idle_in_transaction{60};      // a process that stands still holds up the others no longer
inline constexpr std::chrono::seconds answer_within{40};            // for a server that stands still; then the connection is given up
inline constexpr std::chrono::seconds maintenance_within{15 * 60};  // one migration, one table's copy

struct Notification {
    int backend;  // of the connection that told
    std::string payload;
};

// Used by one thread at a time. Every member may throw Error{unavailable} when the connection is lost; `is_alive` is false then, for good.
class Connection {
public:
    explicit Connection(const Server& to);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    std::vector<Row> query(std::string_view sql, std::span<const Value> values = {});
    // Rows changed by the statement itself.
    std::int64_t run(std::string_view sql, std::span<const Value> values = {});
    // Any number of statements without parameters; the rows of the last one.
    std::vector<Row> script(const std::string& sql, std::chrono::milliseconds within = answer_within);
    // "COPY ... FROM STDIN": `next` gives the lines, piece by piece, and nothing at the end.
    void copy_in(const std::string& sql, const std::function<std::optional<std::string>()>& next);
    // Statements of this connection take this long from now on, and wait so long for locks.
    void take_time(std::chrono::milliseconds within);

    [[nodiscard]] bool is_alive() const;
    // An earlier statement of the transaction failed, so it cannot be committed any more.
    [[nodiscard]] bool is_given_up() const;
    // Ends an open transaction without a trace.
    void rollback() noexcept;
    // Rows changed since the connection was made.
    [[nodiscard]] std::int64_t rows_changed() const { return rows_changed_; }
    [[nodiscard]] int backend() const;

    [[nodiscard]] int socket() const;
    // What came since the last time.
    std::vector<Notification> notifications();

private:
    struct Close {
        void operator()(pg_conn* native) const;
    };
    struct Clear {
        void operator()(pg_result* result) const;
    };
    using Result = std::unique_ptr<pg_result, Clear>;

    Result execute(std::string_view sql, std::span<const Value> values);
    const std::string& prepared(std::string_view sql, std::span<const Value> values);
    Result answer(std::string_view doing, std::chrono::milliseconds within);
    void wait_for_answer(std::chrono::steady_clock::time_point until);
    void sent(int is_sent);
    [[noreturn]] void lost(std::string logged);
    std::vector<Row> rows_of(const pg_result* result) const;
    void count(pg_result* result);

    std::unique_ptr<pg_conn, Close> native_;
    std::map<std::string, std::string, std::less<>> statements_;  // text and types of parameters -> name
    std::uint64_t named_ = 0;
    std::int64_t rows_changed_ = 0;
    std::chrono::milliseconds within_ = answer_within;
    bool is_lost_ = false;
};

}  // namespace meridian::store::postgres
