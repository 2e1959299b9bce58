// What lasts is charged slice by slice: each is a run of its own, and the money of the next is held before the one under way ends. What
// cannot hold its next slice ends with this one. A slice whose process died costs nothing, like any run.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/async.h"
#include "metering/service.h"

namespace meridian::metering {

namespace limits {
// Four an hour: what an hour costs is the sum of its slices, for all prices with seven decimals or fewer.
inline constexpr Duration slice = std::chrono::minutes(15), slice_ahead = std::chrono::minutes(1);
}  // namespace limits

class Slices {
public:
    Slices(Meter& meter, Clock& clock) : meter_(meter), clock_(clock) {}

    struct Slice {
        RunStart start;  // with the price of an hour
        Duration length = limits::slice;
    };
    // Holds the first slice of what has this id. Gives the refusal. Nothing is charged before `count`.
    Task<std::optional<Error>> open(Uuid id, Slice first);
    // It is charged from now on. Again, it changes nothing.
    void count(const Uuid& id);
    [[nodiscard]] bool is_open(const Uuid& id);

    struct Look {
        bool is_over = false;
        std::optional<std::string> why = std::nullopt;  // the refusal of its next slice: it is over, or will be when this one ends
        Duration left{};                                // of the slice under way
        Duration due{};                                 // look again then at the latest
    };
    // Begins the next slice where one ends, and the first where none is open: what lasts since before we started. `next` says what it is,
    // so long from now; nothing: time costs nothing then.
    Task<Look> look(Uuid id, std::function<std::optional<Slice>(Duration from_now)> next);

    // Charges the time until now. What is not open is nobody's concern. A receipt that cannot be written is the next start's; here and
    // below that is logged, and holds up nobody.
    void close(const Uuid& id);
    // Closes what is charged and not among these.
    void keep(const std::set<Uuid>& ids);
    void close_all();

private:
    struct Open {
        Hold hold;
        Steady until;
        std::optional<Steady> counted_from;
        std::optional<Hold> next;
        Duration next_length{};
    };
    Task<std::optional<Error>> try_next(Uuid id, Slice next);
    void settle(Open slice, Steady at);
    Look roll_over(const Uuid& id, Open ended, Steady now);

    Meter& meter_;
    Clock& clock_;
    std::mutex mutex_;
    std::map<Uuid, Open> open_;
};

}  // namespace meridian::metering
