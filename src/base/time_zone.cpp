#include "base/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

namespace meridian {
namespace {

const date::time_zone& native(const void* zone) { return *static_cast<const date::time_zone*>(zone); }

auto local_day(const void* zone, Timestamp t) { return date::floor<date::days>(native(zone).to_local(t)); }

// A midnight that clocks leap over begins with the first moment there is; one that comes twice is the first.
Timestamp midnight(const void* zone, date::local_days day) {
    return std::chrono::time_point_cast<Timestamp::duration>(native(zone).to_sys(day, date::choose::earliest));
}

}  // namespace

TimeZone TimeZone::utc() { return TimeZone(date::locate_zone("Etc/UTC")); }

expected<TimeZone> TimeZone::find(std::string_view name) {
    try {
        return TimeZone(date::locate_zone(std::string(name)));
    } catch (const std::runtime_error&) {
        return complaint(fmt::format("'{}' is no time zone of the IANA database; one is Europe/Paris.", name));
    }
}

std::string TimeZone::name() const { return native(zone_).name(); }

Span TimeZone::day_of(Timestamp t) const {
    const auto day = local_day(zone_, t);
    return {midnight(zone_, day), midnight(zone_, day + date::days(1))};
}

Span TimeZone::month_of(Timestamp t) const {
    const date::year_month_day day(local_day(zone_, t));
    const auto first = day.year() / day.month() / 1;
    return {midnight(zone_, date::local_days(first)), midnight(zone_, date::local_days(first + date::months(1)))};
}

int TimeZone::minute_of_day(Timestamp t) const {
    const auto local = native(zone_).to_local(t);
    return static_cast<int>(date::floor<std::chrono::minutes>(local - date::floor<date::days>(local)).count());
}

std::string TimeZone::month_name(Timestamp t) const {
    const date::year_month_day day(local_day(zone_, t));
    return fmt::format("{:04}-{:02}", int{day.year()}, unsigned{day.month()});
}

std::string TimeZone::day_name(Timestamp t) const {
    const date::year_month_day day(local_day(zone_, t));
    return fmt::format("{:04}-{:02}-{:02}", int{day.year()}, unsigned{day.month()}, unsigned{day.day()});
}

}  // namespace meridian
