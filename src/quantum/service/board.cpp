#include "quantum/service/board.h"

#include <vector>

namespace meridian::quantum::service {

void Board::set(const JobId& job, Moment moment) {
    const std::lock_guard lock(mutex_);
    moments_.insert_or_assign(job, std::move(moment));
}

void Board::update(const JobId& job, const std::function<void(Moment&)>& change) {
    const std::lock_guard lock(mutex_);
    if (const auto found = moments_.find(job); found != moments_.end()) change(found->second);
}

void Board::erase(const JobId& job) {
    const std::lock_guard lock(mutex_);
    moments_.erase(job);
}

std::optional<Moment> Board::find(const JobId& job) const {
    const std::lock_guard lock(mutex_);
    const auto found = moments_.find(job);
    return found == moments_.end() ? std::nullopt : std::optional(found->second);
}

std::shared_ptr<void> Board::wait_for(const JobId& job, Event event) {
    const std::lock_guard lock(mutex_);
    if (bells_.size() >= limits::held) return nullptr;
    const auto hung = bells_.emplace(job, std::move(event));
    return {&*hung, [this, hung](void*) {
                const std::lock_guard inner(mutex_);
                bells_.erase(hung);
            }};
}

void Board::ring(const JobId& job) {
    std::vector<Event> ringing;
    {
        const std::lock_guard lock(mutex_);
        const auto [first, last] = bells_.equal_range(job);
        for (auto it = first; it != last; ++it) ringing.push_back(it->second);
    }
    for (auto& event : ringing) event.notify();
}

std::size_t Board::waiting() const {
    const std::lock_guard lock(mutex_);
    return bells_.size();
}

}  // namespace meridian::quantum::service
