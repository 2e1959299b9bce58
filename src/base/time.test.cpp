#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meridian {
namespace {

TEST(Rfc3339, ReadsWhatClientsSend) {
    struct Row {
        const char* text;
        const char* same_as;  // nullptr: refused
    };
    const Row rows[] = {
        {"2026-11-23T19:29:43.932078Z", "2026-11-23T19:29:43.932078Z"},
        {"2026-11-23 19:29:43.932078+00:00", "2026-11-23T19:29:43.932078Z"},
        {"2026-11-23t19:29:43z", "2026-11-23T19:29:43.000000Z"},
        {"2026-11-23T19:29:43.9Z", "2026-11-23T19:29:43.900000Z"},
        {"2026-11-23T19:29:43.123456789Z", "2026-11-23T19:29:43.123456Z"},
        {"2026-11-23T19:29:43+02:00", "2026-11-23T17:29:43.000000Z"},
        {"2026-11-23T23:29:43-05:30", "2026-11-24T04:59:43.000000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"2023-02-29T00:00:00Z", nullptr},
        {"2026-13-01T00:00:00Z", nullptr},
        {"2026-11-23T24:00:00Z", nullptr},
        {"2026-11-23T19:60:00Z", nullptr},
        {"2026-11-23T19:29:61Z", nullptr},
        {"2026-11-23T19:29:43", nullptr},
        {"2026-11-23T19:29:43.Z", nullptr},
        {"2026-11-23T19:29:43.1234567890Z", nullptr},
        {"2026-11-23T19:29:43+2:00", nullptr},
        {"2026-11-23T19:29:43+24:00", nullptr},
        {"2026-11-23T19:29:43Z ", nullptr},
        {"2026-11-23", nullptr},
        {"", nullptr},
    };
    for (const auto& row : rows) {
        const auto read = parse_rfc3339(row.text);
        EXPECT_EQ(read ? rfc3339(*read) : "refused", row.same_as ? row.same_as : "refused") << row.text;
    }
}

TEST(Rfc3339, ReadingUndoesWriting) {
    rc::check("for every microsecond of the years 0 to 9999", [] {
        const auto t =
            Timestamp(std::chrono::microseconds(*rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'800'000'000)));
        RC_ASSERT(parse_rfc3339(rfc3339(t)) == t);
    });
}

TEST(UnixSeconds, RoundDownAlsoBefore1970) {
    EXPECT_EQ(unix_seconds(Timestamp(std::chrono::microseconds(1'999'999))), 1);
    EXPECT_EQ(unix_seconds(Timestamp(std::chrono::microseconds(-1))), -1);
}

}  // namespace
}  // namespace meridian
