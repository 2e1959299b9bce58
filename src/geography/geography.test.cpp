#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/sim/world.h"
#include "geography/declaration.h"
#include "geography/types.h"
#include "geography/zones.h"

namespace meridian::geography {
namespace {

Zone zone(std::string_view name) { return *Zone::parse(name); }

TEST(Zones, HaveTheFormThatEveryClientAccepts) {
    for (const auto* good : {"fr-par-1", "se-sto-9", "zz-zzz-5"}) {
        ASSERT_TRUE(Zone::parse(good)) << good;
        EXPECT_EQ(Zone::parse(good)->str(), good);
        EXPECT_EQ(Zone::parse(good)->region(), std::string(good).substr(0, 6));
    }
    for (const auto* bad :
         {"", "fr-par", "fr-par-0", "fr-par-10", "FR-par-1", "fr_par_1", "fr-par-a", "f1-par-1", "fr-paris-1", "fr-par-1\n", " fr-par-1"})
        EXPECT_FALSE(Zone::parse(bad)) << bad;
}

TEST(Zones, ThatAreKnownParse) {
    for (const auto& known : known_zones()) {
        EXPECT_TRUE(Zone::parse(known.name)) << known.name;
        EXPECT_EQ(known_zone(known.name), &known) << "twice in the list: " << known.name;
    }
    ASSERT_NE(known_zone("de-ber-1"), nullptr);
    EXPECT_EQ(known_zone("de-ber-1")->stage, KnownZone::Stage::planned);
    EXPECT_EQ(known_zone("us-nyc-1"), nullptr);
}

TEST(Zones, StateNoPlaceUntilTheOperatorDoes) {
    ZoneFacts facts{zone("fr-par-1"), std::nullopt};
    EXPECT_EQ(facts.place(), "undeclared");
    EXPECT_EQ(facts.jurisdiction(), "undeclared");
    facts.declared = Declaration{"Lille, FR", "FR", "Example SA", {}};
    EXPECT_EQ(facts.place(), "Lille, FR");
    EXPECT_EQ(facts.jurisdiction(), "FR");
}

TEST(Residencies, SpeakInWords) {
    EXPECT_EQ(Residency::anywhere().in_words(), "anywhere");
    EXPECT_EQ(Residency::only({}).in_words(), "nowhere");
    EXPECT_EQ(Residency::only({zone("fr-par-1"), zone("it-mil-1")}).in_words(), "only fr-par-1, it-mil-1");
}

Residency any_residency() {
    if (*rc::gen::inRange(0, 4) == 0) return Residency::anywhere();
    std::vector<Zone> zones;
    for (const auto& known : known_zones())
        if (*rc::gen::arbitrary<bool>()) zones.push_back(zone(known.name));
    return Residency::only(std::move(zones));
}

RC_GTEST_PROP(Residencies, NarrowedAllowWhatBothAllow, ()) {
    const auto one = any_residency(), other = any_residency();
    const auto both = one.narrowed_by(other);
    for (const auto& known : known_zones())
        RC_ASSERT(both.allows(zone(known.name)) == (one.allows(zone(known.name)) && other.allows(zone(known.name))));
}

const Declaration lille{"Lille, FR", "FR", "Example \"Cloud\" SA", *parse_rfc3339("2026-11-23T19:29:43.000001Z")};

TEST(Declarations, SurviveAPowerCut) {
    sim::World world(1);
    ASSERT_TRUE(world.disk().make_directories("/zone"));
    ASSERT_TRUE(world.disk().sync_directory("/"));
    const DeclarationFile file(world.disk(), "/zone");
    EXPECT_FALSE(file.read().value());
    ASSERT_TRUE(file.write(lille));
    world.disk().crash(sim::SimDisk::Unsynced::lost);
    const auto read = file.read().value();
    ASSERT_TRUE(read);
    EXPECT_EQ(declaration_text(*read), declaration_text(lille));
    EXPECT_EQ(read->declared_at, lille.declared_at);
    EXPECT_FALSE(read->node_watts);
    auto powered = lille;
    powered.node_watts = 350;
    ASSERT_TRUE(file.write(powered));
    EXPECT_EQ(file.read().value()->node_watts, 350u);
    powered.carbon_grams_per_kwh = 0;
    powered.water_millilitres_per_kwh = 1800;
    ASSERT_TRUE(file.write(powered));
    EXPECT_EQ(file.read().value()->carbon_grams_per_kwh, 0u);
    EXPECT_EQ(file.read().value()->water_millilitres_per_kwh, 1800u);
}

TEST(Declarations, ThatCannotBeUsedAreComplaints) {
    struct Row {
        std::string_view says, text;
    };
    const Row rows[] = {
        {"not JSON", "FR"},
        {"not an object", "[]"},
        {"no jurisdiction", R"({"place":"x","operator":"y","declared_at":"2026-01-01T00:00:00Z"})"},
        {"a lower-case country", R"({"place":"x","jurisdiction":"fr","operator":"y","declared_at":"2026-01-01T00:00:00Z"})"},
        {"no date", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"yesterday"})"},
        {"an empty place", R"({"place":"","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z"})"},
        {"two lines", R"({"place":"a\nb","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z"})"},
        {"no watts", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","node_watts":0})"},
        {"watts below zero", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","node_watts":-5})"},
        {"carbon below zero",
         R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","carbon_grams_per_kwh":-1})"},
        {"a member that nobody knows", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","x":1})"},
        {"watts in words", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","node_watts":"5"})"},
        {"something more", R"({"place":"x","jurisdiction":"FR","operator":"y","declared_at":"2026-01-01T00:00:00Z","z":1})"},
    };
    sim::World world(1);
    ASSERT_TRUE(world.disk().make_directories("/zone"));
    const DeclarationFile file(world.disk(), "/zone");
    for (const auto& row : rows) {
        ASSERT_TRUE(world.disk().replace_file(file.path(), row.text));
        EXPECT_FALSE(file.read()) << row.says;
    }
    auto wrong = lille;
    wrong.jurisdiction = "France";
    EXPECT_FALSE(file.write(wrong));
}

}  // namespace
}  // namespace meridian::geography
