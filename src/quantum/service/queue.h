// Which job runs next. What was booked goes before all else. Projects share the engine fairly: the one that has used the least goes first,
// whatever it has waiting. Within a project the higher priority goes first, then the older job. What was booked runs within its booking
// only, and other jobs keep out of booked times unless they are short. Pure: no clock, no threads, no rows.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "quantum/service/types.h"

namespace meridian::quantum::service {

// Small jobs have a thread of their own beside the team that a large one has, so that nobody waits hours for a millisecond.
enum class Lane : std::uint8_t { small, large };

struct Waiting {
    JobId job;
    ProjectId project;
    Priority priority = Priority::normal;
    Lane lane = Lane::large;
    Duration cost{};                        // how long it will take
    Duration longest{};                     // and at most, by its quote
    std::optional<BookingId> booking = {};  // of its session
};

// The bookings that have not ended, as they bear on what may begin at one moment.
class Booked {
public:
    Booked(std::span<const Booking> bookings, Timestamp at);
    // A booked job: while its booking lasts. Another: when it is short, or will have ended, whatever happens, before the next booking
    // begins.
    [[nodiscard]] bool may_begin(const Waiting& waiting) const;
    // When the answers become others, if no booking is made or cancelled.
    [[nodiscard]] std::optional<Timestamp> changes_at() const { return changes_at_; }

private:
    Timestamp at_;
    std::vector<BookingId> lasting_;
    std::optional<Timestamp> closed_from_, changes_at_;
};

class Queue {
public:
    void add(const Waiting& waiting);
    bool remove(const JobId& job);
    // The next for a lane that may run now (any, without `may`): the small lane takes small jobs only, the large one prefers large jobs.
    // The project is charged what it costs.
    using May = std::function<bool(const Waiting&)>;
    std::optional<Waiting> take(Lane lane, const May& may = {});
    // A job that was taken has ended: its project is charged the difference.
    void ended(const Waiting& taken, Duration took);
    // When the jobs that wait for a lane which is free from `from` on will be taken, if nothing else comes; nothing for what will not be,
    // or only after all that is looked at. `early` come to the queue when their bookings begin.
    using Forecast = std::vector<std::pair<JobId, std::optional<Timestamp>>>;
    [[nodiscard]] Forecast forecast(Lane lane, Timestamp from, std::span<const Booking> bookings = {},
                                    std::span<const Waiting> early = {}) const;
    [[nodiscard]] std::size_t size() const { return at_.size(); }

private:
    struct Place {
        int rank;  // higher priorities first
        std::uint64_t number;
        auto operator<=>(const Place&) const = default;
    };
    struct Share {
        Duration used{};
        std::size_t running = 0;
        std::map<Place, Waiting> waiting[2];  // by lane
        [[nodiscard]] bool is_active() const { return running > 0 || !waiting[0].empty() || !waiting[1].empty(); }
    };
    using Shares = std::map<ProjectId, Share>;
    struct Found {
        Share* share;
        std::map<Place, Waiting>::iterator at;
    };
    static std::optional<Found> next(Shares& shares, Lane of, const May& may = {});
    [[nodiscard]] Duration least_used() const;
    [[nodiscard]] Queue first_of(Lane lane) const;

    struct At {
        ProjectId project;
        Lane lane;
        Place place;
    };
    Shares shares_;
    std::map<JobId, At> at_;
    std::uint64_t number_ = 0;
};

namespace limits {
inline constexpr std::size_t forecast = 500;  // jobs that a forecast looks through, or of a project when not all may run
inline constexpr Duration booking_yield = std::chrono::seconds(1);  // a job that takes no longer runs within the bookings of others
}  // namespace limits

}  // namespace meridian::quantum::service
