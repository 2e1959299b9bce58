// What an operator does with the zone stopped: in the log at the next start, once.
#include "metering/books/operator_events.h"

#include <gtest/gtest.h>

#include "geography/declaration.h"
#include "metering/books/event.h"
#include "metering/log/rotate.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

const std::string keys_directory = "/data/zones/fr-par-1/keys";

struct OperatorEvents : ::testing::Test {
    sim::World world{41};
    geography::ZoneFacts zone{*geography::Zone::parse("fr-par-1"), std::nullopt};
    std::optional<keys::SigningKey> key;

    void SetUp() override { log::configure(log::Level::off, log::Form::text); }
    static MeterOptions options() { return {.directory = testing::directory, .segment_bytes = 16 * 1024, .ahead_bytes = 16 * 1024}; }
    // A life of the zone: what is in its log at the end of it, the oldest first.
    std::vector<AdminEvent> live() {
        key.emplace(std::move(keys::KeyRing::open(world.disk(), world.rng(), keys_directory).value().signing));
        testing::Running meter(world, Meter::open(world.disk(), world.clock(), world.rng(), world.pool(), *key, zone, options()).value());
        log_operator_events(*meter.meter, zone, testing::organization);
        world.run_for(1min);
        auto found = meter->events({.organization = testing::organization, .limit = 1000}).events;
        meter->close();
        std::ranges::reverse(found);
        return found;
    }
    void declare(std::uint32_t carbon) {
        zone.declared = {.place = "Paris, FR", .jurisdiction = "FR", .operator_name = "us", .declared_at = world.clock().now()};
        zone.declared->carbon_grams_per_kwh = carbon;
    }
    std::string change_key(Succession::Cause cause = Succession::Cause::rotated, std::string seen = {}) {
        return change_log_key(world.disk(), world.clock(), world.rng(), world.pool(), zone, options(),
                              {keys_directory, cause, std::move(seen)})
            .value();
    }
};

TEST_F(OperatorEvents, SayWhatWasDeclaredAndWhatHeldBefore) {
    EXPECT_TRUE(live().empty());
    declare(56);
    const auto at = zone.declared->declared_at;
    EXPECT_EQ(live().size(), 1u);
    const auto once = live();
    ASSERT_EQ(once.size(), 1u) << "a start that finds the same declaration says nothing";
    EXPECT_EQ(once[0].operation, "DeclareZone");
    EXPECT_EQ(once[0].resource, "fr-par-1");
    EXPECT_EQ(once[0].at, at);
    EXPECT_FALSE(once[0].principal || once[0].before);
    EXPECT_EQ(once[0].details, parse_json(geography::declaration_text(*zone.declared)).value());
    declare(40);
    const auto twice = live();
    ASSERT_EQ(twice.size(), 2u);
    EXPECT_EQ(twice[1].before, twice[0].after);
    EXPECT_NE(twice[1].after, twice[0].after);
    EXPECT_EQ(twice[1].details.at("carbon_grams_per_kwh").as_int64(), 40);
}

TEST_F(OperatorEvents, SayThatTheLogHasAnotherKeyAndWhatWasLost) {
    declare(56);
    live();
    const auto first = VerifierKey{origin_of("fr-par-1", key->public_key()), key->public_key()}.str();
    const auto second = change_key();
    const auto rotated = live();
    ASSERT_EQ(rotated.size(), 2u);
    EXPECT_EQ(live().size(), 2u);
    EXPECT_EQ(rotated[1].operation, "RotateLogKey");
    EXPECT_EQ(rotated[1].resource_type, "logs");
    EXPECT_EQ(rotated[1].details.at("from"), Json(first));
    EXPECT_EQ(rotated[1].details.at("to"), Json(second));
    EXPECT_EQ(rotated[1].details.at("kept").to_number<std::int64_t>(), 1);
    EXPECT_EQ(rotated[1].details.at("lost").to_number<std::int64_t>(), 0);

    std::map<std::string, std::string> backup;
    for (const auto& name : world.disk().list(testing::directory).value())
        backup[name] = world.disk().read_file(testing::directory + "/" + name).value();
    declare(40);
    live();
    const auto seen = world.disk().read_file(testing::directory + "/checkpoint").value();
    for (const auto& name : world.disk().list(testing::directory).value())
        ASSERT_TRUE(world.disk().remove(testing::directory + "/" + name));
    for (const auto& [name, bytes] : backup) ASSERT_TRUE(world.disk().replace_file(testing::directory + "/" + name, bytes));
    change_key(Succession::Cause::restored, seen);
    const auto restored = live();
    ASSERT_EQ(restored.size(), 4u);
    EXPECT_EQ(restored[2].operation, "RotateLogKeyAfterLoss");
    EXPECT_EQ(restored[2].details.at("lost").to_number<std::int64_t>(), 1);
    EXPECT_EQ(restored[3].operation, "DeclareZone") << "what was lost and still holds is said again";
    EXPECT_TRUE(Meter::verify_directory(world.disk(), testing::directory).good);
}

}  // namespace
}  // namespace meridian::metering
