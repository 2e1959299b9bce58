#include "http/backlog.h"

#include <gtest/gtest.h>

#include <vector>

namespace meridian::http {
namespace {

using namespace std::chrono_literals;

// What the loop does for how long, and whether it then refuses.
struct Phase {
    Duration late, length;
    bool refuses;
};
struct Row {
    std::string_view says;
    std::vector<Phase> phases;
};

TEST(Backlogs, RefuseWhileALoopThatIsBehindIsLate) {
    const Row rows[] = {
        {"in time", {{1ms, 10s, false}}},
        {"at the limit is in time", {{50ms, 10s, false}}},
        {"a burst is worked off", {{200ms, 300ms, false}, {1ms, 1s, false}}},
        {"bursts with pauses between them are no backlog", {{200ms, 300ms, false}, {1ms, 10ms, false}, {200ms, 300ms, false}}},
        {"late for long", {{60ms, 1s, true}}},
        {"once behind, only a late loop refuses", {{60ms, 1s, true}, {20ms, 100ms, false}, {60ms, 10ms, true}}},
        {"in time for long is not behind any more", {{60ms, 1s, true}, {20ms, 600ms, false}, {60ms, 300ms, false}}},
        {"and may fall behind again", {{60ms, 1s, true}, {20ms, 600ms, false}, {60ms, 1s, true}}},
    };
    for (const auto& row : rows) {
        Backlog backlog({.lateness = 50ms, .patience = 500ms});
        Steady now{1h};
        EXPECT_FALSE(backlog.refuses());
        for (std::size_t i = 0; i < row.phases.size(); ++i) {
            const auto& phase = row.phases[i];
            for (const auto end = now + phase.length; now < end;) {
                now += 10ms + phase.late;
                backlog.observe(now, phase.late);
            }
            EXPECT_EQ(backlog.refuses(), phase.refuses) << row.says << ", phase " << i;
        }
    }
}

TEST(Backlogs, OneSleepThatEndsVeryLateIsEnough) {
    Backlog backlog({.lateness = 50ms, .patience = 500ms});
    backlog.observe(Steady{1h}, 600ms);
    EXPECT_TRUE(backlog.refuses()) << "for it was late all that time";
}

TEST(Backlogs, ALoopWithNothingToDoIsNotBehind) {
    Backlog backlog({.lateness = 50ms, .patience = 500ms});
    backlog.observe(Steady{1h}, 600ms);
    backlog.rest();
    EXPECT_FALSE(backlog.refuses());
    EXPECT_FALSE(backlog.is_behind());
    backlog.observe(Steady{2h}, 60ms);
    EXPECT_FALSE(backlog.refuses());
}

}  // namespace
}  // namespace meridian::http
