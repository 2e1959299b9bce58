// Sums by quarter hour, kept as running totals, so that the sum over any span is the difference of two look-ups however much lies
// between. Days keep what came before them and quarters what came before them in their day: a run that is counted late touches the
// later quarters of its day and the later days, and nothing else.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace meridian::metering {

using Quarter = std::int32_t;  // since 1970
inline constexpr std::chrono::minutes quarter_length{15};
inline constexpr Quarter quarters_a_day = 96;

inline Quarter quarter_of(Timestamp t) {
    using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
    return static_cast<Quarter>(std::chrono::floor<Quarters>(t.time_since_epoch()).count());
}
// The first quarter that does not begin before `t`.
inline Quarter quarter_from(Timestamp t) {
    using Quarters = std::chrono::duration<std::int64_t, std::ratio<900>>;
    return static_cast<Quarter>(std::chrono::ceil<Quarters>(t.time_since_epoch()).count());
}

// `Sums` is a value with += and -=.
template <class Sums>
class Timeline {
public:
    void add(Quarter quarter, const Sums& sums) {
        const auto day = day_of(quarter);
        if (days_.empty() || days_.back().number < day) {
            const auto before = before_day(day);
            if (!days_.empty()) days_.back().cells.shrink_to_fit();  // it is past
            days_.push_back({day, before, {}});
        }
        auto at = days_.back().number == day ? days_.end() - 1 : std::ranges::lower_bound(days_, day, {}, &Day::number);
        if (at->number != day) at = days_.insert(at, {day, before_day(day), {}});
        at->add(quarter, sums);
        while (++at != days_.end()) at->before += sums;
    }

    // Of all quarters before this one.
    [[nodiscard]] Sums before(Quarter quarter) const {
        const auto day = day_of(quarter);
        const auto at = std::ranges::lower_bound(days_, day, {}, &Day::number);
        if (at == days_.end() || at->number != day) return before_day(day);
        Sums made = at->before;
        if (const auto cell = at->first_not_before(quarter); cell != at->cells.begin()) made += (cell - 1)->through;
        return made;
    }
    [[nodiscard]] std::optional<Quarter> first() const {
        return days_.empty() ? std::nullopt : std::optional(days_.front().cells.front().quarter);
    }
    [[nodiscard]] Sums between(Quarter from, Quarter to) const {
        if (to <= from) return {};
        Sums made = before(to);
        made -= before(from);
        return made;
    }

private:
    struct Cell {
        Quarter quarter;
        Sums through;  // of its day's quarters up to this one, and with it
    };
    struct Day {
        std::int32_t number;
        Sums before;              // of all earlier days
        std::vector<Cell> cells;  // never empty after `add`

        [[nodiscard]] auto first_not_before(Quarter quarter) const { return std::ranges::lower_bound(cells, quarter, {}, &Cell::quarter); }
        void add(Quarter quarter, const Sums& sums) {
            auto cell = cells.begin() + (first_not_before(quarter) - cells.begin());
            if (cell == cells.end() || cell->quarter != quarter)
                cell = cells.insert(cell, {quarter, cell == cells.begin() ? Sums{} : (cell - 1)->through});
            for (; cell != cells.end(); ++cell) cell->through += sums;
        }
    };
    static std::int32_t day_of(Quarter quarter) { return (quarter < 0 ? quarter - (quarters_a_day - 1) : quarter) / quarters_a_day; }
    [[nodiscard]] Sums before_day(std::int32_t day) const {
        const auto at = std::ranges::lower_bound(days_, day, {}, &Day::number);
        if (at == days_.begin()) return {};
        Sums made = (at - 1)->before;
        made += (at - 1)->cells.back().through;
        return made;
    }

    std::vector<Day> days_;
};

}  // namespace meridian::metering
