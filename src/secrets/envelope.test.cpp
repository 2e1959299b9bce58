// What is sealed opens with what it was sealed for, and with nothing else.
#include "secrets/envelope.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/sim/world.h"
#include "secrets/sealing.h"
#include "store/sqlite.h"

namespace meridian::secrets {
namespace {

RC_GTEST_PROP(Envelopes, AreReadAsTheyWereWritten, (std::uint32_t rotation, const std::string& sealed)) {
    const auto text = envelope_of(rotation, sealed);
    const auto read = read_envelope(text);
    RC_ASSERT(read.has_value() == (rotation > 0 && !sealed.empty()));
    if (read) RC_ASSERT(read->rotation == rotation && read->sealed == sealed);
    RC_ASSERT(!read_envelope(text.substr(0, 7)));
    RC_ASSERT(!read_envelope(sealed));
}

struct Sealed {
    sim::World world{5};
    std::unique_ptr<store::Store> store =
        std::move(*store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"}));
    keys::SealingKey root = keys::SealingKey::from_bytes(std::string(32, 'r')).value();
    Turns turns{world.pool(), 1};
    Ground ground{*store, root, turns, turns, "fr-par", world.clock(), world.rng()};
};

RC_GTEST_PROP(SealedWithAKey, OpensForItsKeyRotationPurposeAndAssociatedDataAlone,
              (const std::string& plaintext, const std::string& associated, std::uint32_t turn)) {
    static Sealed house;
    auto& rng = house.world.rng();
    Key key;
    key.id = KeyId::random(rng);
    key.current = turn % 1000 + 1;
    const auto material = random_key(rng), other = random_key(rng);
    const auto text = seal_with(house.ground, key, material.view(), plaintext, Purpose::callers, associated);
    const auto [rotation, sealed] = read_envelope(text).value();
    const auto open = [&](const KeyId& id, std::uint32_t n, std::string_view with, Purpose purpose, const std::string& also) {
        return open_with(id, n, with, sealed, purpose, also);
    };
    RC_ASSERT(rotation == key.current);
    RC_ASSERT(open(key.id, rotation, material.view(), Purpose::callers, associated) == plaintext);
    RC_ASSERT(!open(KeyId::random(rng), rotation, material.view(), Purpose::callers, associated));
    RC_ASSERT(!open(key.id, rotation + 1, material.view(), Purpose::callers, associated));
    RC_ASSERT(!open(key.id, rotation, other.view(), Purpose::callers, associated));
    RC_ASSERT(!open(key.id, rotation, material.view(), Purpose::secrets, associated));
    RC_ASSERT(!open(key.id, rotation, material.view(), Purpose::callers, associated + "x"));
}

}  // namespace
}  // namespace meridian::secrets
