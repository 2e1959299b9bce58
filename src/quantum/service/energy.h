// What runs used by the processors' own counter: what goes by while several run is shared among them by their threads.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/money.h"
#include "base/time.h"

namespace meridian::quantum::service {

class EnergyMeter {
public:
    // Microjoules since some moment; empty where there is no counter. A counter that fails once leaves the runs of that time unknown.
    using Counter = std::function<std::optional<std::uint64_t>()>;
    explicit EnergyMeter(Counter counter) : counter_(std::move(counter)) {}

    // A run under way; it is forgotten when this goes, whatever ended it.
    class Run {
    public:
        Run(EnergyMeter& meter, std::uint64_t number) : meter_(&meter), number_(number) {}
        Run(Run&& other) noexcept : meter_(std::exchange(other.meter_, nullptr)), number_(other.number_) {}
        Run& operator=(Run&&) = delete;
        ~Run() {
            if (meter_) meter_->forget(number_);
        }

    private:
        friend class EnergyMeter;
        EnergyMeter* meter_;
        std::uint64_t number_;
    };
    Run begin(unsigned threads, Steady now);
    // Counters begin anew after some minutes under full load: long runs ask for a look now and then.
    void look(Steady now);
    // Nothing where it is not known.
    std::optional<Millijoules> end(Run run, Steady now);

private:
    struct Share {
        double threads = 1, microjoules = 0;
        bool is_known = true;
    };
    void forget(std::uint64_t number);
    void count(Steady now);

    Counter counter_;
    std::mutex mutex_;
    std::map<std::uint64_t, Share> running_;
    std::uint64_t number_ = 0;
    std::optional<std::uint64_t> last_;
    Steady looked_at_{};
};

namespace limits {
inline constexpr Duration energy_look = std::chrono::seconds(20);  // a counter of 65 kJ, the narrowest, lasts 65 s at 1 kW
}

}  // namespace meridian::quantum::service
