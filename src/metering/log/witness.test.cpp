// A witness against honest logs, forked ones, and power cuts.
#include "metering/log/witness.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sim/world.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;

const std::string directory = "/witness";

struct Watched : ::testing::Test {
    sim::World world{5};
    keys::SigningKey log_key = keys::SigningKey::generate(world.rng());
    std::string seed = keys::SigningKey::generate(world.rng()).seed();
    VerifierKey log{"example.org/log", log_key.public_key()};
    Tree tree, other;  // two histories that part after three leaves
    std::unique_ptr<Witness> witness;

    void SetUp() override {
        log::configure(log::Level::off, log::Form::text);
        for (int i = 0; i < 20; ++i) {
            tree.append(leaf_hash(std::to_string(i)));
            other.append(leaf_hash(i < 3 ? std::to_string(i) : "forged" + std::to_string(i)));
        }
        witness = open().value();
    }
    expected<std::unique_ptr<Witness>> open() {
        return Witness::open(world.disk(), world.clock(), "example.org/witness", keys::SigningKey::from_seed(seed).value(), {log},
                             directory);
    }
    std::string note(const Tree& of, std::uint64_t size) { return signed_note({log.name, size, of.root(size)}, log_key); }
    Witness::Answer show(const Tree& of, std::uint64_t from, std::uint64_t to) {
        return witness->add_checkpoint(WitnessRequest{from, of.consistency(from, to), note(of, to)}.str());
    }
};

TEST_F(Watched, SignsWhatContinuesTheLog) {
    for (const auto& [from, to] : {std::pair{0, 3}, {3, 7}, {7, 7}, {7, 20}}) {
        const auto answer = show(tree, from, to);
        ASSERT_EQ(answer.status, 200) << answer.body;
        const auto whole = note(tree, to) + answer.body;
        EXPECT_EQ(read_note(whole, log)->size, to);
        const auto at = cosigned_at(whole, witness->verifier());
        ASSERT_TRUE(at && *at);
        EXPECT_EQ(**at, std::chrono::floor<std::chrono::seconds>(world.clock().now()));
        EXPECT_EQ(witness->checkpoint(hex(sha256(log.name))).body, whole);
    }
}

TEST_F(Watched, SaysHowFarItIsWhenAskedFromElsewhere) {
    ASSERT_EQ(show(tree, 0, 5).status, 200);
    for (const std::uint64_t from : {0, 3, 6}) {
        const auto answer = show(tree, from, 9);
        EXPECT_EQ(answer.status, 409);
        EXPECT_EQ(answer.body, "5\n");
        EXPECT_EQ(answer.type, "text/x.tlog.size");
    }
}

TEST_F(Watched, RefusesAnotherHistory) {
    ASSERT_EQ(show(tree, 0, 5).status, 200);
    EXPECT_EQ(show(other, 5, 9).status, 422);
    EXPECT_EQ(show(other, 5, 5).status, 422);
    EXPECT_EQ(show(tree, 5, 9).status, 200);
    EXPECT_EQ(witness->add_checkpoint(WitnessRequest{9, {}, note(tree, 7)}.str()).status, 400);
    EXPECT_EQ(witness->add_checkpoint(WitnessRequest{9, {Sha256{}}, note(tree, 9)}.str()).status, 422);
    EXPECT_EQ(witness->checkpoint(hex(sha256(log.name))).body.substr(0, 18), "example.org/log\n9\n");
}

TEST_F(Watched, RefusesAnEmptyTreeWithAnotherRoot) {
    EXPECT_EQ(witness->add_checkpoint(WitnessRequest{0, {}, signed_note({log.name, 0, sha256("x")}, log_key)}.str()).status, 422);
    EXPECT_EQ(show(tree, 0, 0).status, 200);
}

TEST_F(Watched, RefusesLogsAndKeysThatItDoesNotKnow) {
    const auto stranger = keys::SigningKey::generate(world.rng());
    EXPECT_EQ(witness->add_checkpoint(WitnessRequest{0, {}, signed_note({"example.org/other", 3, tree.root(3)}, log_key)}.str()).status,
              404);
    EXPECT_EQ(witness->add_checkpoint(WitnessRequest{0, {}, signed_note({log.name, 3, tree.root(3)}, stranger)}.str()).status, 403);
    EXPECT_EQ(witness->checkpoint(hex(sha256("example.org/other"))).status, 404);
    EXPECT_EQ(witness->checkpoint("../lock").status, 404);
    EXPECT_EQ(witness->checkpoint(hex(sha256(log.name))).status, 404);  // nothing was signed
}

TEST_F(Watched, RefusesEveryChangedBit) {
    ASSERT_EQ(show(tree, 0, 5).status, 200);
    const auto body = WitnessRequest{5, tree.consistency(5, 13), note(tree, 13)}.str();
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
        auto changed = body;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        EXPECT_NE(witness->add_checkpoint(changed).status, 200) << "bit " << bit;
    }
    EXPECT_EQ(witness->add_checkpoint(body).status, 200);
}

TEST_F(Watched, KeepsNoLinesThatStrangersAppend) {
    const auto stranger = keys::SigningKey::generate(world.rng());
    const VerifierKey name{"example.org/stranger", stranger.public_key(), KeyKind::witness};
    const auto plain = note(tree, 3);
    ASSERT_EQ(witness->add_checkpoint(WitnessRequest{0, {}, plain + cosignature(plain, name, stranger, world.clock().now())}.str()).status,
              200);
    EXPECT_EQ(witness->checkpoint(hex(sha256(log.name))).body.find("stranger"), std::string::npos);
}

TEST_F(Watched, NamesWhatIsWrongWithARequest) {
    const auto good = WitnessRequest{0, {}, note(tree, 3)}.str();
    EXPECT_EQ(WitnessRequest::parse(good)->note, note(tree, 3));
    std::string long_proof = "old 1\n";
    for (int i = 0; i < 64; ++i) long_proof += base64(as_view(Sha256{})) + "\n";
    for (const auto& wrong : {std::string(), std::string("old"), std::string("old x\n\n") + note(tree, 3), "old 01\n\n" + note(tree, 3),
                              "old 0\n" + note(tree, 3), "old 0\nAAAA\n\n" + note(tree, 3), std::string("old 0\n\n"),
                              long_proof + "\n" + note(tree, 3), "old 99999999999999999999\n\n" + note(tree, 3)}) {
        EXPECT_FALSE(WitnessRequest::parse(wrong)) << wrong;
        EXPECT_EQ(witness->add_checkpoint(wrong).status, 400);
    }
}

// After a cut at every write point, with every fate of what was not synced: never two histories.
TEST_F(Watched, SignsOneHistoryWhateverTheDiskDoes) {
    for (unsigned call = 0; call < 12; ++call) {
        for (const auto kind : {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept}) {
            witness.reset();
            world.disk().crash(SimDisk::Unsynced::kept);
            const auto path = directory + "/" + hex(sha256(log.name));
            if (world.disk().exists(path).value()) ASSERT_TRUE(world.disk().remove(path) && world.disk().sync_directory(directory));
            witness = open().value();
            ASSERT_EQ(show(tree, 0, 3).status, 200);
            world.disk().fail_next(DiskError::Kind::io, call);
            const bool is_signed = show(tree, 3, 8).status == 200;
            witness.reset();
            world.disk().crash(kind);
            world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
            auto again = open();
            ASSERT_TRUE(again) << again.error().said;
            witness = std::move(*again);
            const auto fork = show(other, 3, 8).status;
            EXPECT_TRUE(!is_signed || fork == 409) << "call " << call;
        }
    }
}

TEST_F(Watched, RefusesToStartWithoutWhatItSigned) {
    ASSERT_EQ(show(tree, 0, 5).status, 200);
    EXPECT_NE(open().error().said.find("in use by another witness"), std::string::npos);
    witness.reset();
    const auto path = directory + "/" + hex(sha256(log.name));
    const auto whole = world.disk().read_file(path).value();
    for (std::size_t byte = 0; byte < whole.size(); ++byte) {
        world.disk().flip_bit(path, byte, byte % 8);
        EXPECT_FALSE(open()) << "byte " << byte;
        world.disk().flip_bit(path, byte, byte % 8);
    }
    witness = open().value();
    EXPECT_EQ(show(tree, 0, 5).body, "5\n");
}

}  // namespace
}  // namespace meridian::metering
