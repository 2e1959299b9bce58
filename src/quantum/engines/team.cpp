#include "quantum/engines/team.h"

#include <algorithm>

namespace meridian::quantum {
namespace {

constexpr int looks = 2000;  // about 40 microseconds

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

Team::Team(unsigned size) {
    const unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
    if (size == 0) size = cpus;
    spins_ = size <= cpus;
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

template <class Claim>
bool Team::soon(Claim claim) const {
    for (int k = 0; spins_ && k < looks; ++k) {
        if (claim()) return true;
        pause();
    }
    return claim();
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
    const auto ended = [&] { return running_ == 0; };
    static_cast<void>(soon(ended));
    std::unique_lock held(lock_);
    done_.wait(held, ended);
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
    for (std::size_t seen = 0;;) {
        const auto called = [&] { return ending_ || round_ != seen; };
        if (!soon(called)) {
            std::unique_lock held(lock_);
            wake_.wait(held, called);
        }
        if (ending_) return;
        seen = round_;
        std::exception_ptr failure;
        try {
            (*work_)(member);
        } catch (...) {
            failure = std::current_exception();
        }
        const std::lock_guard held(lock_);
        if (failure && !failure_) failure_ = failure;
        if (--running_ == 0) done_.notify_all();
    }
}

}  // namespace meridian::quantum
