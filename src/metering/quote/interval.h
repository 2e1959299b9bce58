// How long a run will take, as an interval that nine of ten runs keep, learned from recent runs of the same model and node.
//
// Split-conformal quantiles over the last runs give the interval, and its two tails are steered by what came true: "Adaptive Conformal
// Inference Under Distribution Shift", Gibbs and Candes, NeurIPS 2021 (arXiv:2106.00170). After each quoted run the level of a tail moves
// by `step * (share_of_a_tail - missed)`, so that in the long run each tail misses its share whatever the runs do: no distribution is
// assumed, and a drift is followed. Costs 16 bytes a run that is remembered.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meridian::metering {

// What is known of a run before it, in a unit of its kind's own: what will be done for certain, and what may end earlier.
struct Work {
    double certain = 0, open = 0;
};

struct Seconds {
    double expected = 0, low = 0, high = 0;
    std::uint32_t runs = 0;  // it was learned from; 0: a first guess
};

// The runs of one model on one node.
class Interval {
public:
    // `guess`: seconds for a unit of work, before any run was seen.
    [[nodiscard]] Seconds predict(const Work& work, double guess) const;
    // A run that ended. `did_all`: the open part did not end early.
    void add(const Work& done, double seconds, bool did_all);
    // What was promised for a run, and what it took.
    void judge(const Seconds& promised, double seconds);
    [[nodiscard]] std::size_t size() const { return seen_.size(); }

private:
    struct Seen {
        float certain, open, seconds;
        bool did_all;
    };
    std::deque<Seen> seen_;
    double low_level_, high_level_;

public:
    Interval();
};

// All of them, by name. Thread-safe; the one that was used least lately goes when there are too many.
class Intervals {
public:
    Seconds predict(const std::string& key, const Work& work, double guess);
    void add(const std::string& key, const Work& done, double seconds, bool did_all);
    void judge(const std::string& key, const Seconds& promised, double seconds);
    [[nodiscard]] std::size_t size() const;

private:
    Interval& of(const std::string& key);

    mutable std::mutex mutex_;
    std::list<std::pair<std::string, Interval>> all_;  // the one used last first
    std::unordered_map<std::string, std::list<std::pair<std::string, Interval>>::iterator> by_key_;
};

namespace limits {
inline constexpr double interval_share = 0.9;      // of the runs that end within
inline constexpr std::size_t interval_runs = 200;  // remembered of a key
inline constexpr std::size_t interval_keys = 1000;
inline constexpr double shortest_seconds = 0.0005;  // receipts count in milliseconds
}  // namespace limits

}  // namespace meridian::metering
