#include "metering/slices.h"

#include <algorithm>
#include <utility>

#include "metering/price.h"

namespace meridian::metering {
namespace {

using std::chrono::floor;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A whole slice costs no more than its share of the hour, so that slices never cost more than the hours they are of.
RunStart sliced(RunStart start, Duration length) {
    constexpr std::int64_t hour = 3'600'000;
    const auto share = static_cast<__int128>(start.price.per_hour.count()) * floor<milliseconds>(length).count() / hour;
    start.ceiling = Money::nanos(static_cast<std::int64_t>(share));
    return start;
}

}  // namespace

Task<std::optional<Error>> Slices::open(Uuid id, RunStart start, Duration length) {
    try {
        auto hold = co_await meter_.begin(sliced(std::move(start), length));
        const std::lock_guard lock(mutex_);
        open_.erase(id);
        open_.emplace(id, Slice{.hold = std::move(hold), .until = clock_.steady() + length, .counted_from = {}, .next = {}});
    } catch (const Error& refusal) {
        co_return refusal;
    }
    co_return std::nullopt;
}

void Slices::count(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found != open_.end() && !found->second.counted_from) found->second.counted_from = clock_.steady();
}

bool Slices::is_open(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    return open_.contains(id);
}

Task<std::optional<Error>> Slices::try_next(Uuid id, RunStart start, Duration length) {
    try {
        auto hold = co_await meter_.begin(sliced(std::move(start), length));
        const std::lock_guard lock(mutex_);
        // Closed meanwhile, it needs no next one; that costs nothing.
        if (const auto found = open_.find(id); found != open_.end())
            found->second.next.emplace(std::move(hold));
        else
            meter_.settle(std::move(hold), {}, Outcome::cancelled);
    } catch (const Error& refusal) {
        co_return refusal;
    }
    co_return std::nullopt;
}

Task<Slices::Look> Slices::look(Uuid id, RunStart start, Duration length) {
    bool needs_next = false;
    {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(id);
        if (found == open_.end()) co_return Look{.is_over = true};
        needs_next = !found->second.next && clock_.steady() + limits::slice_ahead >= found->second.until;
    }
    std::optional<Error> refusal;
    if (needs_next) refusal = co_await try_next(id, std::move(start), length);
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) co_return Look{.is_over = true};
    auto& slice = found->second;
    const auto now = clock_.steady();
    Look made;
    if (refusal) made.why = refusal->said;
    if (now >= slice.until) {
        auto ended = std::move(slice);
        open_.erase(found);
        auto next = std::exchange(ended.next, std::nullopt);
        const bool is_counted = ended.counted_from.has_value();
        // Where nobody looked in time, the time between belongs to no slice.
        const auto begins = now - ended.until < limits::slice_ahead ? ended.until : now;
        settle(std::move(ended), now);
        if (!next) {
            made.is_over = true;
            co_return made;
        }
        Slice fresh{.hold = std::move(*next), .until = begins + length, .counted_from = {}, .next = {}};
        if (is_counted) fresh.counted_from = begins;
        made.left = fresh.until - now;
        open_.emplace(id, std::move(fresh));
    } else {
        made.left = slice.until - now;
    }
    const bool is_refused = made.why.has_value();
    made.due = is_refused ? std::min(made.left, Duration(seconds(5))) : std::max(made.left - limits::slice_ahead, Duration(seconds(1)));
    co_return made;
}

// Whole seconds: the unit that prices are said for.
void Slices::settle(Slice slice, Steady at) {
    if (slice.next) meter_.settle(std::move(*slice.next), {}, Outcome::cancelled);
    const auto end = std::min(at, slice.until);
    const auto time = slice.counted_from && *slice.counted_from < end ? floor<seconds>(end - *slice.counted_from) : seconds(0);
    meter_.settle(std::move(slice.hold), bounded({.milliseconds = milliseconds(time).count()}),
                  slice.counted_from ? Outcome::finished : Outcome::cancelled);
}

void Slices::close(const Uuid& id) {
    const std::lock_guard lock(mutex_);
    if (auto node = open_.extract(id)) settle(std::move(node.mapped()), clock_.steady());
}

void Slices::keep(const std::set<Uuid>& ids) {
    const std::lock_guard lock(mutex_);
    for (auto it = open_.begin(); it != open_.end();) {
        if (!it->second.counted_from || ids.contains(it->first)) {
            ++it;
            continue;
        }
        auto node = open_.extract(it++);
        settle(std::move(node.mapped()), clock_.steady());
    }
}

void Slices::close_all() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    for (auto& [_, slice] : open_) settle(std::move(slice), now);
    open_.clear();
}

}  // namespace meridian::metering
