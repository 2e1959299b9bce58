#include "quantum/engines/team.h"

#include <algorithm>
#include <exception>

namespace meridian::quantum {

Team::Team(unsigned size) {
    if (size == 0) size = std::max(1u, std::thread::hardware_concurrency());
    for (unsigned member = 1; member < size; ++member) threads_.emplace_back([this, member] { serve(member); });
}

Team::~Team() {
    {
        const std::lock_guard held(lock_);
        ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(unsigned)>& work) {
    {
        const std::lock_guard held(lock_);
        work_ = &work;
        failure_ = nullptr;
        running_ = unsigned(threads_.size());
        ++round_;
    }
    wake_.notify_all();
    std::exception_ptr own;
    try {
        work(0);
    } catch (...) {
        own = std::current_exception();
    }
    std::unique_lock held(lock_);
    done_.wait(held, [&] { return running_ == 0; });
    work_ = nullptr;
    if (own) std::rethrow_exception(own);
    if (failure_) std::rethrow_exception(failure_);
}

Team::Share Team::share(std::size_t count, unsigned member) const {
    const std::size_t each = count / size(), rest = count % size();
    const std::size_t begin = member * each + std::min<std::size_t>(member, rest);
    return {begin, begin + each + (member < rest ? 1 : 0)};
}

void Team::serve(unsigned member) {
    std::unique_lock held(lock_);
    for (std::size_t seen = 0;;) {
        wake_.wait(held, [&] { return ending_ || round_ != seen; });
        if (ending_) return;
        seen = round_;
        const auto* work = work_;
        held.unlock();
        std::exception_ptr failure;
        try {
            (*work)(member);
        } catch (...) {
            failure = std::current_exception();
        }
        held.lock();
        if (failure && !failure_) failure_ = failure;
        if (--running_ == 0) done_.notify_all();
    }
}

}  // namespace meridian::quantum
