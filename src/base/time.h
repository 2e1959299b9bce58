// Time that is given, never taken: wall clock, monotonic clock and sleep come from a Clock.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian {

using Duration = std::chrono::nanoseconds;
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;  // UTC
// Nanoseconds since an arbitrary start; never goes back.
using Steady = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Timestamp now() const = 0;
    [[nodiscard]] virtual Steady steady() const = 0;
    // Completes on `executor`; with operation_aborted when cancelled through the handler's cancellation slot.
    virtual void async_sleep(boost::asio::any_io_executor executor, Duration length,
                             boost::asio::any_completion_handler<void(boost::system::error_code)> done) = 0;

    // Throws boost::system::system_error(operation_aborted) when cancelled.
    boost::asio::awaitable<void> sleep(Duration length);
};

// "2026-11-23T19:29:43.932078Z": always six decimals.
std::string rfc3339(Timestamp t);
// RFC 3339 with any offset and up to nine decimals (rounded down); also a blank in place of 'T', which Python clients send.
std::optional<Timestamp> parse_rfc3339(std::string_view text);
std::int64_t unix_seconds(Timestamp t);

}  // namespace meridian
