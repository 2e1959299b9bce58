#include "base/id.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <set>

#include "base/rng.h"

namespace meridian {
namespace {

TEST(Uuid, ReadsThirtySixCharactersInEitherCase) {
    EXPECT_EQ(Uuid::parse("00112233-4455-6677-8899-AABBCCDDEEFF")->str(), "00112233-4455-6677-8899-aabbccddeeff");
    for (const auto* text :
         {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff0", "00112233445566778899aabbccddeeff",
          "0011223344-55-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg", "{0112233-4455-6677-8899-aabbccddeeff",
          "00112233_4455_6677_8899_aabbccddeeff"})
        EXPECT_FALSE(Uuid::parse(text)) << text;
}

TEST(Uuid, ReadingUndoesWriting) {
    rc::check("for all sixteen bytes",
              [](std::array<std::uint8_t, 16> bytes) { RC_ASSERT(Uuid::parse(Uuid{bytes}.str()) == Uuid{bytes}); });
}

TEST(Uuid, CarriesItsVersionAndVariant) {
    SeededRng rng(1);
    for (int i = 0; i < 100; ++i) {
        const auto random = Uuid::random(rng).str(), ordered = Uuid::ordered(rng, i).str();
        EXPECT_EQ(random[14], '4');
        EXPECT_EQ(ordered[14], '7');
        for (const char variant : {random[19], ordered[19]}) EXPECT_NE(std::string("89ab").find(variant), std::string::npos);
    }
}

TEST(Uuid, OrderedOnesSortByTheTimeOfMaking) {
    SeededRng rng(1);
    EXPECT_LT(Uuid::ordered(rng, 1'732'390'183'932), Uuid::ordered(rng, 1'732'390'183'933));
    EXPECT_EQ(Uuid::ordered(rng, 0x0123'4567'89ab).str().substr(0, 13), "01234567-89ab");
}

TEST(SeededRng, RepeatsItselfForOneSeedAndNotForAnother) {
    SeededRng a(7), b(7), c(8);
    const auto first = a.next();
    EXPECT_EQ(first, b.next());
    EXPECT_NE(first, c.next());
}

TEST(Rng, BelowReachesEveryValueAndNoOther) {
    SeededRng seeded(7);
    SystemRng kernel;
    for (Rng* rng : std::initializer_list<Rng*>{&seeded, &kernel}) {
        std::set<std::uint64_t> seen;
        for (int i = 0; i < 1000; ++i) seen.insert(rng->below(5));
        EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
        EXPECT_EQ(rng->below(1), 0u);
    }
}

}  // namespace
}  // namespace meridian
