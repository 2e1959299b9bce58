// A log under several keys: what each of them verifies, what a loss leaves, and power cuts at every step.
#include "metering/log/rotate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "metering/log/chain.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::directory;

const std::string keys_directory = "/data/zones/fr-par-1/keys";
const geography::ZoneFacts zone{*geography::Zone::parse("fr-par-1"), std::nullopt};

struct Rotation : ::testing::Test {
    sim::World world{21};

    void SetUp() override { log::configure(log::Level::off, log::Form::text); }
    static MeterOptions options() { return {.directory = directory, .segment_bytes = 16 * 1024, .ahead_bytes = 16 * 1024}; }
    expected<std::unique_ptr<testing::Running>> try_open() {
        auto ring = keys::KeyRing::open(world.disk(), world.rng(), keys_directory);
        if (!ring) return std::unexpected(ring.error());
        key.emplace(std::move(ring->signing));
        auto meter = Meter::open(world.disk(), world.clock(), world.rng(), world.pool(), *key, zone, options());
        if (!meter) return std::unexpected(meter.error());
        return std::make_unique<testing::Running>(world, std::move(*meter));
    }
    // Runs, and the file of the last of their receipts.
    std::string grow(int runs) {
        const auto running = try_open().value();
        RunId last;
        for (int i = 0; i < runs; ++i) last = testing::run_once(*running->meter).id;
        running->durable();
        auto file = to_text(world.run((*running)->proof(last)));
        (*running)->close();
        return file;
    }
    expected<std::string> change(Succession::Cause cause = Succession::Cause::rotated, std::string seen = {}) {
        return change_log_key(world.disk(), world.clock(), world.rng(), world.pool(), zone, options(),
                              {keys_directory, cause, std::move(seen)});
    }
    std::string verifier() {
        const auto ring = keys::KeyRing::open(world.disk(), world.rng(), keys_directory).value();
        return VerifierKey{origin_of("fr-par-1", ring.signing.public_key()), ring.signing.public_key()}.str();
    }
    std::string chain() {
        const auto running = try_open().value();
        auto& log = (*running)->log();
        (*running)->close();  // no zeros behind the records, whose bits say nothing
        return to_text(chain_file(log.log_chain(), VerifierKey::parse(log.log_key()).value()));
    }
    Meter::Verdict verdict(std::string_view trusted = {}) { return Meter::verify_directory(world.disk(), directory, trusted); }
    std::map<std::string, std::string> ledger() {
        std::map<std::string, std::string> files;
        for (const auto& name : world.disk().list(directory).value()) files[name] = world.disk().read_file(directory + "/" + name).value();
        return files;
    }
    std::optional<keys::SigningKey> key;
};

TEST_F(Rotation, KeepsReceiptsAndVerifiesUnderEveryKey) {
    std::vector<std::string> keys, files;
    for (int i = 0; i < 3; ++i) {
        if (i > 0) ASSERT_TRUE(change()) << i;
        keys.push_back(verifier());
        files.push_back(grow(4));
    }
    EXPECT_NE(keys[0], keys[1]);
    EXPECT_EQ(world.disk().exists(keys_directory + "/signing.key.next").value(), false);
    const auto all = chain();
    for (const auto& trusted : keys) {
        EXPECT_TRUE(verdict(trusted).good) << verdict(trusted).said;
        EXPECT_EQ(verdict(trusted).receipts, 12);
        EXPECT_EQ(check_chain(all, VerifierKey::parse(trusted).value())->size(), 3u);
        for (std::size_t i = 0; i < files.size(); ++i) {
            EXPECT_EQ(Meter::verify_file(files[i], trusted).good, trusted == keys[i]);
            EXPECT_TRUE(Meter::verify_file(files[i], trusted, all).good) << Meter::verify_file(files[i], trusted, all).said;
        }
    }
    const VerifierKey stranger{"meridian/fr-par-1/00000000", {}};
    EXPECT_FALSE(verdict(stranger.str()).good);
    EXPECT_FALSE(Meter::verify_file(files[0], stranger.str(), all).good);
}

TEST_F(Rotation, IsNotBelievedWithAChangedBit) {
    const auto first = verifier();
    const auto file = grow(2);
    ASSERT_TRUE(change());
    grow(1);
    const auto all = chain();
    const auto trusted = VerifierKey::parse(first).value();
    ASSERT_TRUE(check_chain(all, trusted));
    SeededRng rng(6);
    for (std::size_t bit = 0; bit < all.size() * 8; ++bit) {
        auto changed = all;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(check_chain(changed, trusted)) << "bit " << bit;
    }
    for (const auto& [name, whole] : ledger()) {
        for (std::size_t byte = 0; byte < whole.size(); byte += 1 + rng.below(24)) {
            world.disk().flip_bit(directory + "/" + name, byte, byte % 8);
            EXPECT_FALSE(verdict().good) << name << " at byte " << byte;
            world.disk().flip_bit(directory + "/" + name, byte, byte % 8);
        }
    }
}

TEST_F(Rotation, EndsWhatWasInterruptedAtAnyWrite) {
    for (unsigned call = 0; call < 60; ++call) {
        for (const auto kind : {SimDisk::Unsynced::lost, SimDisk::Unsynced::torn, SimDisk::Unsynced::kept}) {
            SCOPED_TRACE(fmt::format("call {}", call));
            world.run_for(std::chrono::seconds(1));
            grow(2);
            const auto before = verifier();
            world.disk().fail_next(DiskError::Kind::io, call);
            const auto done = change();
            world.disk().crash(kind);
            world.disk().fail_next(DiskError::Kind::io, 1'000'000'000);
            if (!done) {
                // A start in between either works as before, or says what to do.
                if (const auto opened = try_open(); !opened)
                    EXPECT_NE(opened.error().said.find("rotate-key"), std::string::npos) << opened.error().said;
                const auto again = change();
                ASSERT_TRUE(again) << again.error().said;
            }
            EXPECT_NE(verifier(), before);
            EXPECT_TRUE(try_open());
            EXPECT_TRUE(verdict(before).good) << verdict(before).said;
        }
        if (HasFailure()) return;
    }
}

TEST_F(Rotation, DeclaresWhatARestoreLost) {
    const auto old_key = verifier();
    const auto kept_file = grow(3);
    const auto backup = ledger();
    const auto lost_file = grow(4);
    const auto seen = ledger().at("checkpoint");
    // Back to the older copy; a witness has seen more.
    for (const auto& name : world.disk().list(directory).value()) ASSERT_TRUE(world.disk().remove(directory + "/" + name));
    for (const auto& [name, bytes] : backup) ASSERT_TRUE(world.disk().replace_file(directory + "/" + name, bytes));
    EXPECT_NE(change(Succession::Cause::restored).error().said.find("Nothing of the log is missing"), std::string::npos);
    EXPECT_NE(change(Succession::Cause::restored, "nonsense").error().said.find("cannot be used"), std::string::npos);
    ASSERT_TRUE(world.disk().replace_file(directory + "/witnessed", seen));

    const auto refused = try_open();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().said.find("--after-loss"), std::string::npos) << refused.error().said;
    EXPECT_FALSE(change());
    ASSERT_TRUE(change(Succession::Cause::restored));
    grow(2);
    EXPECT_NE(verifier(), old_key);
    for (const auto& trusted : {old_key, verifier()}) {
        EXPECT_TRUE(verdict(trusted).good) << verdict(trusted).said;
        EXPECT_NE(verdict(trusted).said.find("4 were lost"), std::string::npos) << verdict(trusted).said;
        EXPECT_EQ(verdict(trusted).receipts, 5);
    }
    // What was signed under the old name stays true of the old log, also what is lost.
    EXPECT_TRUE(Meter::verify_file(kept_file, old_key).good);
    EXPECT_TRUE(Meter::verify_file(lost_file, old_key).good);
    const auto change_leaf =
        read_succession(unbase64(view(*text_member(member(parse_json(chain()).value(), "changes")->as_array().at(0), "leaf"))).value());
    ASSERT_TRUE(change_leaf);
    EXPECT_EQ(change_leaf->kept, 3u);
    EXPECT_EQ(change_leaf->last.size, 7u);
    EXPECT_EQ(change_leaf->last.root, read_note(seen)->root);
    EXPECT_EQ(change_leaf->from.str(), old_key);
}

TEST_F(Rotation, WaitsForTheZoneToStop) {
    const auto running = try_open().value();
    EXPECT_NE(change().error().said.find("in use by another Meridian"), std::string::npos);
}

}  // namespace
}  // namespace meridian::metering
