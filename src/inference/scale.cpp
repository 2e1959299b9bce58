#include "inference/scale.h"

#include <algorithm>

namespace meridian::inference {
namespace {

// True when it has been so for as long as `after`.
bool lasts(bool is_so, std::optional<Steady>& since, Steady at, Duration after) {
    if (!is_so) {
        since.reset();
    } else if (!since) {
        since = at;
    }
    return since && at - *since >= after;
}

std::uint64_t share(std::uint32_t replicas, std::uint32_t slots, std::uint32_t percent) {
    return std::uint64_t{replicas} * slots * percent;
}

}  // namespace

std::uint32_t wished_size(const ScaleReading& now, ScaleMemory& memory, Steady at) {
    const auto held = std::clamp(now.replicas, now.min_size, now.max_size);
    const bool is_changing = held != now.replicas || now.ready < now.replicas || now.replicas == 0;
    if (is_changing || memory.replicas != now.replicas) memory = {.replicas = now.replicas, .busy_since = {}, .idle_since = {}};
    if (is_changing) return held;
    const std::uint64_t running = std::uint64_t{now.running} * 100;
    const bool is_busy = held < now.max_size && running >= share(held, now.slots, limits::busy_percent);
    const bool is_idle = held > now.min_size && running <= share(held - 1, now.slots, limits::idle_percent);
    const bool grows = lasts(is_busy, memory.busy_since, at, limits::grow_after);
    const bool shrinks = lasts(is_idle, memory.idle_since, at, limits::shrink_after);
    if (!grows && !shrinks) return held;
    if (shrinks) return held - 1;
    const auto each = share(1, now.slots, limits::busy_percent);
    const auto enough = static_cast<std::uint32_t>(std::min<std::uint64_t>(running / each + 1, now.max_size));
    return std::clamp(enough, held + 1, now.max_size);
}

}  // namespace meridian::inference
