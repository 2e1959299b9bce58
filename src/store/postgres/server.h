// Where a PostgreSQL is, from a URL that may hold a password and is never shown; and the patience with one that does not answer.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/time.h"

namespace meridian::store::postgres {

class Connection;

struct Server {
    std::string url;    // as it was given
    std::string shown;  // "postgres://user@host:5432/name"

    // The diagnostic never repeats the URL: it may be wrong because of what is in the password.
    static expected<Server> parse(std::string_view url);
};

bool is_postgres_url(std::string_view url);

// Makes connections. After a failure it waits before it asks again, twice as long each time, and whoever comes meanwhile is told at
// once. On the real clock: the server is real.
class Dialler {
public:
    explicit Dialler(Server to) : to_(std::move(to)) {}
    // Throws Error{unavailable}.
    std::unique_ptr<Connection> dial();
    [[nodiscard]] const Server& to() const { return to_; }
    // How long it is until the next question is asked.
    [[nodiscard]] std::chrono::milliseconds pause();

private:
    Server to_;
    std::mutex mutex_;
    std::chrono::milliseconds wait_{0};
    std::chrono::steady_clock::time_point next_{};
    std::string why_;  // of the last failure, for the operator
};

}  // namespace meridian::store::postgres
