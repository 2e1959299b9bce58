// Days and months as people of a place count them: the IANA time zones of the system's database.
#pragma once
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/time.h"

namespace meridian {

// [from, to)
struct Span {
    Timestamp from, to;
    auto operator<=>(const Span&) const = default;
    [[nodiscard]] bool contains(Timestamp t) const { return from <= t && t < to; }
};

// Days of 23 and 25 hours are days. Cheap to copy; safe on every thread.
class TimeZone {
public:
    static TimeZone utc();
    // "Europe/Paris"; the complaint is a sentence.
    static expected<TimeZone> find(std::string_view name);
    [[nodiscard]] std::string name() const;
    [[nodiscard]] Span day_of(Timestamp t) const;
    [[nodiscard]] Span month_of(Timestamp t) const;
    // Since midnight by the clocks there: 0 to 1439.
    [[nodiscard]] int minute_of_day(Timestamp t) const;
    // "2026-11", "2026-11-25"
    [[nodiscard]] std::string month_name(Timestamp t) const;
    [[nodiscard]] std::string day_name(Timestamp t) const;

private:
    explicit TimeZone(const void* zone) : zone_(zone) {}
    const void* zone_;  // the library's, which lives as long as the process
};

}  // namespace meridian
