// A pool that computes long, and how many may wait for it: who comes then is asked to come again.
#pragma once
#include <atomic>
#include <chrono>
#include <type_traits>
#include <utility>

#include "base/async.h"
#include "base/error.h"

namespace meridian::secrets {

class Turns {
public:
    Turns(Pool& pool, int most) : pool_(pool), most_(most) {}

    template <class F>
    auto run(F f) -> Task<std::invoke_result_t<F&>> {
        const Place place(*this);
        co_return co_await on(pool_, std::move(f));
    }

private:
    class Place {
    public:
        explicit Place(Turns& turns) : turns_(turns) {
            if (turns_.taken_.fetch_add(1) < turns_.most_) return;
            --turns_.taken_;
            throw Error(Fault::busy, "Too many keys are being computed with at the moment. Try again.").after(std::chrono::seconds(1));
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { --turns_.taken_; }

    private:
        Turns& turns_;
    };
    Pool& pool_;
    int most_;
    std::atomic<int> taken_ = 0;
};

}  // namespace meridian::secrets
