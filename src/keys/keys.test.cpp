#include "keys/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/sim/world.h"

namespace meridian::keys {
namespace {

std::string text(const Signature& s) { return {reinterpret_cast<const char*>(s.data()), s.size()}; }

// RFC 8032, 7.1
struct Vector {
    std::string_view seed, public_key, message, signature;
};
constexpr Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

TEST(SigningKeys, SignAsTheStandardDoes) {
    for (const auto& v : vectors) {
        const auto key = SigningKey::from_seed(*unhex(v.seed)).value();
        EXPECT_EQ(hex(key.public_key()), v.public_key);
        EXPECT_EQ(hex(key.sign(*unhex(v.message))), v.signature);
        EXPECT_TRUE(verify(key.public_key(), *unhex(v.message), *unhex(v.signature)));
    }
    EXPECT_FALSE(SigningKey::from_seed("short"));
}

TEST(SigningKeys, RefuseWhatWasTamperedWith) {
    SeededRng rng(1);
    const auto key = SigningKey::generate(rng), other = SigningKey::generate(rng);
    auto signature = text(key.sign("message"));
    EXPECT_TRUE(verify(key.public_key(), "message", signature));
    EXPECT_FALSE(verify(key.public_key(), "massage", signature));
    EXPECT_FALSE(verify(other.public_key(), "message", signature));
    EXPECT_FALSE(verify(key.public_key(), "message", signature.substr(1)));
    signature[10] ^= 1;
    EXPECT_FALSE(verify(key.public_key(), "message", signature));
    EXPECT_EQ(key.key_id().size(), 16u);
    EXPECT_NE(key.key_id(), other.key_id());
}

RC_GTEST_PROP(SealingKeys, OpenWhatTheySealedAndNothingElse, (const std::string& secret, const std::string& context, std::uint64_t seed)) {
    SeededRng rng(seed);
    const auto key = SealingKey::from_bytes(std::string(32, 'k')).value();
    auto sealed = key.seal(secret, context, rng);
    RC_ASSERT(key.open(sealed, context).value() == secret);
    RC_ASSERT(key.seal(secret, context, rng) != sealed);
    RC_ASSERT(!key.open(sealed, context + "x"));
    RC_ASSERT(!SealingKey::from_bytes(std::string(32, 'l')).value().open(sealed, context));
    sealed[rng.below(sealed.size())] ^= static_cast<char>(1 << rng.below(8));
    RC_ASSERT(!key.open(sealed, context));
    sealed.resize(rng.below(sealed.size()));
    RC_ASSERT(!key.open(sealed, context));
}

TEST(SealingKeys, MarkLinksForOnePurpose) {
    const auto key = SealingKey::from_bytes(std::string(32, 'k')).value(), other = SealingKey::from_bytes(std::string(32, 'o')).value();
    const auto mark = key.mac("message", "links");
    EXPECT_EQ(key.mac("message", "links"), mark);
    EXPECT_NE(key.mac("messages", "links"), mark);
    EXPECT_NE(key.mac("message", "cookies"), mark);
    EXPECT_NE(other.mac("message", "links"), mark);
    // HMAC-SHA256 twice, by Python's hmac module.
    EXPECT_EQ(hex(mark), "823b2fa517e45a66ba4e972b039aadf43ca5fff25f1dc1c5cc42effb766429e6");
}

TEST(KeyRings, AreTheSameAfterReopeningAndAPowerCut) {
    sim::World world(1);
    std::string id, sealed;
    {
        const auto ring = KeyRing::open(world.disk(), world.rng(), "/data/control/keys").value();
        id = ring.signing.key_id();
        sealed = ring.sealing.seal("secret", "upstream", world.rng());
    }
    world.disk().crash(sim::SimDisk::Unsynced::lost);
    const auto ring = KeyRing::open(world.disk(), world.rng(), "/data/control/keys").value();
    EXPECT_EQ(ring.signing.key_id(), id);
    EXPECT_EQ(ring.sealing.open(sealed, "upstream"), "secret");
    const auto other = KeyRing::open(world.disk(), world.rng(), "/data/zones/keys").value();
    EXPECT_NE(other.signing.key_id(), id);
}

TEST(KeyRings, RefuseADamagedOrMissingFileAndSayWhatToDo) {
    sim::World world(1);
    ASSERT_TRUE(KeyRing::open(world.disk(), world.rng(), "/k"));
    const auto good = world.disk().read_file("/k/sealing.key").value();
    for (const std::string& bad : {std::string(), good.substr(0, good.size() - 1), good + "\n", std::string("not") + good}) {
        ASSERT_TRUE(world.disk().replace_file("/k/sealing.key", bad));
        const auto ring = KeyRing::open(world.disk(), world.rng(), "/k");
        ASSERT_FALSE(ring) << bad;
        EXPECT_THAT(ring.error().said, testing::HasSubstr("meridian restore"));
    }
    ASSERT_TRUE(world.disk().remove("/k/sealing.key"));
    EXPECT_FALSE(KeyRing::open(world.disk(), world.rng(), "/k"));
    EXPECT_EQ(world.disk().exists("/k/sealing.key"), false);
}

TEST(KeyRings, SurviveAFailureOfEveryCallOfTheFirstStart) {
    bool is_through = false;
    for (unsigned after = 0; !is_through; ++after) {
        sim::World world(after + 1);
        world.disk().fail_next(DiskError::Kind::io, after);
        is_through = KeyRing::open(world.disk(), world.rng(), "/data/keys").has_value();
        world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
        world.disk().crash(sim::SimDisk::Unsynced::lost);
        EXPECT_TRUE(KeyRing::open(world.disk(), world.rng(), "/data/keys")) << after;
        ASSERT_LT(after, 100u);
    }
}

}  // namespace
}  // namespace meridian::keys
