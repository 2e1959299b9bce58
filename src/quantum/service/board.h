// What waits and runs right now, in memory, read by any loop; and who waits for a change of it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/async.h"
#include "quantum/service/types.h"

namespace meridian::quantum::service {

struct Moment {
    std::optional<Timestamp> started_at;  // runs since
    std::optional<Timestamp> expected_start;
    std::optional<Quote> quote;
    double done = 0;  // share of the work
};

class Board {
public:
    void set(const JobId& job, Moment moment);
    // Changes the moment where there is one.
    void update(const JobId& job, const std::function<void(Moment&)>& change);
    void erase(const JobId& job);
    [[nodiscard]] std::optional<Moment> find(const JobId& job) const;

    // Rings `event` when the job has ended, as long as the ticket lives. Null when too many wait already.
    std::shared_ptr<void> wait_for(const JobId& job, Event event);
    void ring(const JobId& job);
    [[nodiscard]] std::size_t waiting() const;

private:
    mutable std::mutex mutex_;
    std::map<JobId, Moment> moments_;
    std::multimap<JobId, Event> bells_;
};

}  // namespace meridian::quantum::service
