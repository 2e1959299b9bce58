// Addresses that fail to come in too often wait: a secret is not found by trying, and a sign-in's code not by haste.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace meridian::identity {

inline constexpr std::uint32_t failures_max = 20;  // of one address in a window
inline constexpr Duration failure_window = std::chrono::minutes(1);
inline constexpr std::size_t failing_addresses_max = 10'000;  // remembered; the oldest are forgotten

// Safe from any thread; asked after a failure alone, so that nobody who comes in waits for it.
class Failures {
public:
    // Counts one. How long the address waits now; nothing while it may go on trying.
    Duration count(std::string_view peer, Timestamp now);

private:
    struct Window {
        Timestamp ends;
        std::uint32_t count = 0;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, Window> windows_;
    std::deque<std::string> order_;  // oldest first
};

// Counts one of the peer ("192.0.2.7:4711"), and throws Error{rate_limited} where it has to wait.
void count_failure(Failures& failures, std::string_view peer, Timestamp now);

}  // namespace meridian::identity
