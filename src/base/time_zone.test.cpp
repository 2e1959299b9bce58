#include "base/time_zone.h"

#include <gtest/gtest.h>

namespace meridian {
namespace {

Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }

TEST(TimeZones, BeginDaysAndMonthsAtTheirOwnMidnight) {
    const auto paris = TimeZone::find("Europe/Paris").value();
    EXPECT_EQ(paris.name(), "Europe/Paris");
    EXPECT_EQ(paris.day_of(at("2026-11-24T23:30:00Z")), (Span{at("2026-11-24T23:00:00Z"), at("2026-11-25T23:00:00Z")}));
    EXPECT_EQ(paris.month_of(at("2026-10-31T23:30:00Z")), (Span{at("2026-10-31T23:00:00Z"), at("2026-11-30T23:00:00Z")}));
    EXPECT_EQ(paris.day_name(at("2026-10-31T23:30:00Z")), "2026-11-01");
    EXPECT_EQ(paris.month_name(at("2026-10-31T23:30:00Z")), "2026-11");
    EXPECT_EQ(TimeZone::utc().month_of(at("2026-12-31T23:59:59.999999Z")), (Span{at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z")}));
}

TEST(TimeZones, HaveDaysOf23And25Hours) {
    const auto paris = TimeZone::find("Europe/Paris").value();
    const auto spring = paris.day_of(at("2026-03-29T12:00:00Z")), autumn = paris.day_of(at("2026-10-25T12:00:00Z"));
    EXPECT_EQ(spring.to - spring.from, std::chrono::hours(23));
    EXPECT_EQ(autumn.to - autumn.from, std::chrono::hours(25));
    EXPECT_EQ(paris.minute_of_day(at("2026-10-25T00:30:00Z")), 150);  // twice that day
    EXPECT_EQ(paris.minute_of_day(at("2026-10-25T01:30:00Z")), 150);
}

// In Havana clocks leap from 0:00 to 1:00, so that day has no midnight, and in autumn 0:30 comes twice.
TEST(TimeZones, JoinDaysWithoutGapsAndOverlaps) {
    for (const auto* name : {"America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/UTC"}) {
        const auto zone = TimeZone::find(name).value();
        auto day = zone.day_of(at("2026-01-01T12:00:00Z"));
        for (int i = 0; i < 400; ++i) {
            const auto next = zone.day_of(day.to);
            ASSERT_EQ(next.from, day.to) << name << ' ' << rfc3339(day.from);
            ASSERT_EQ(zone.day_of(next.to - std::chrono::microseconds(1)), next) << name;
            day = next;
        }
    }
}

TEST(TimeZones, ThatDoNotExistAreRefused) {
    for (const auto* name : {"", "Europe/Atlantis", "../../etc/passwd", "CET-1CEST"}) {
        const auto zone = TimeZone::find(name);
        ASSERT_FALSE(zone) << name;
        EXPECT_NE(zone.error().said.find("IANA"), std::string::npos);
    }
}

}  // namespace
}  // namespace meridian
