// How many replicas a deployment shall have, between its sizes, by how busy it is. Pure: the caller keeps the memory.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace meridian::inference {

namespace limits {
// Between the two shares lies the calm in which nothing changes: one replica more or fewer must not cross both.
inline constexpr std::uint32_t busy_percent = 80, idle_percent = 50;
inline constexpr Duration grow_after = std::chrono::seconds(10), shrink_after = std::chrono::seconds(120);
}  // namespace limits

struct ScaleReading {
    std::uint32_t min_size = 1, max_size = 1;
    std::uint32_t replicas = 0, ready = 0;  // that there are; that answer
    std::uint32_t slots = 1;                // requests that one replica answers at the same time
    std::uint32_t running = 0;              // requests under way or waiting at all of them
};
struct ScaleMemory {
    std::uint32_t replicas = 0;                    // that it is about: another number is judged by what happens after it
    std::optional<Steady> busy_since, idle_since;  // without a pause
};

// The wish stays as long as its reason, also when nobody can fulfil it now.
std::uint32_t wished_size(const ScaleReading& now, ScaleMemory& memory, Steady at);

}  // namespace meridian::inference
