#include "http/backlog.h"

namespace meridian::http {

void Backlog::observe(Steady now, Duration late) {
    is_late_ = late > limits_.lateness;
    if (is_late_ == is_behind_) {
        changed_.reset();
        return;
    }
    // It was so already when the sleep should have ended.
    if (!changed_) changed_ = is_late_ ? now - late : now;
    if (now - *changed_ < limits_.patience) return;
    is_behind_ = is_late_;
    changed_.reset();
}

void Backlog::rest() { *this = Backlog(limits_); }

}  // namespace meridian::http
