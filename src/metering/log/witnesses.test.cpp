// A zone and its witnesses over a simulated network.
#include "metering/log/witnesses.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/server.h"
#include "identity/door.test.h"
#include "metering/log/witness_api.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

// One witness with its server.
struct Site {
    Site(testing::Bench& bench, int number)
        : world(bench.world),
          at(fmt::format("10.0.0.{}:80", number)),
          witness(Witness::open(world.disk(), world.clock(), fmt::format("example.org/w{}", number),
                                keys::SigningKey::generate(world.rng()),
                                {{origin_of("fr-par-1", bench.key.public_key()), bench.key.public_key()}}, fmt::format("/w{}", number))
                      .value()),
          router(door),
          server((add_witness_routes(router, *witness, world.pool()), router), world.clock(), world.rng(), world.executor()) {
        server.serve(std::move(*world.network().listen(world.executor(), *Address::parse(at))));
    }
    ~Site() { world.run(server.drain(0s)); }
    [[nodiscard]] std::string where() const { return fmt::format("{}@http://{}/", witness->verifier().str(), at); }
    sim::World& world;
    std::string at;
    std::unique_ptr<Witness> witness;
    identity::test::Door door;
    http::Router router;
    http::Server server;
};

struct Zone : ::testing::Test {
    testing::Bench bench{11};
    sim::World& world = bench.world;
    Site first{bench, 1}, second{bench, 2};
    std::unique_ptr<testing::Running> running = bench.open();
    std::optional<Witnesses> asking;
    std::optional<TaskGroup> tasks;

    ~Zone() override { stop(); }
    void ask() {
        asking.emplace(world.network(), world.clock(), world.executor(), WitnessAt::parse_all({first.where(), second.where()}).value(),
                       10s);
        tasks.emplace(world.executor());
        asking->begin(*tasks, (*running)->log(), world.pool());
    }
    void stop() {
        if (!tasks) return;
        tasks->cancel();
        world.run(tasks->join());
        tasks.reset();
        asking.reset();
    }
    void grow(int runs) {
        for (int i = 0; i < runs; ++i) testing::run_once(*running->meter);
        running->durable();
    }
    std::string witnessed() { return (*running)->log().log_witnessed(); }
};

TEST_F(Zone, HasItsCheckpointsCosignedByAll) {
    grow(5);
    ask();
    world.run_for(1s);
    EXPECT_EQ(read_note(witnessed())->size, 5u);
    for (const auto* site : {&first, &second}) EXPECT_TRUE(cosigned_at(witnessed(), site->witness->verifier()).value());
    grow(3);
    world.run_for(1s);
    EXPECT_EQ(read_note(witnessed())->size, 5u);  // not so often
    world.run_for(15s);
    EXPECT_EQ(read_note(witnessed())->size, 8u);
    EXPECT_EQ(world.disk().read_file(testing::directory + "/witnessed").value(), witnessed());
}

TEST_F(Zone, GoesOnWithoutAWitnessThatIsAway) {
    grow(2);
    world.network().cut(*Address::parse(first.at));
    ask();
    world.run_for(30s);
    EXPECT_FALSE(cosigned_at(witnessed(), first.witness->verifier()).value());
    EXPECT_TRUE(cosigned_at(witnessed(), second.witness->verifier()).value());
    world.network().heal(*Address::parse(first.at));
    grow(2);
    world.run_for(30s);
    EXPECT_TRUE(cosigned_at(witnessed(), first.witness->verifier()).value());
    EXPECT_EQ(read_note(witnessed())->size, 4u);
}

TEST_F(Zone, LearnsAnewHowFarAWitnessIs) {
    grow(2);
    ask();
    world.run_for(1s);
    stop();
    grow(2);
    ask();  // knows of nothing that was seen
    world.run_for(1s);
    EXPECT_EQ(read_note(witnessed())->size, 4u);
}

TEST_F(Zone, FindsWhatWitnessesHaveSeen) {
    grow(4);
    ask();
    world.run_for(1s);
    stop();
    Witnesses others(world.network(), world.clock(), world.executor(), WitnessAt::parse_all({second.where()}).value(), 10s);
    const VerifierKey log{origin_of("fr-par-1", bench.key.public_key()), bench.key.public_key()};
    EXPECT_EQ(read_note(world.run(others.newest(log)), log)->size, 4u);
    EXPECT_EQ(world.run(others.newest({"another", bench.key.public_key()})), "");
}

TEST_F(Zone, DoesNotStartBehindWhatWasSeen) {
    grow(4);
    const auto before = world.disk().read_file(testing::directory + "/" + std::string("00000000000000000001.seg")).value();
    grow(4);
    ask();
    world.run_for(1s);
    stop();
    (*running)->close();
    running.reset();
    // An older copy of the segments, without a checkpoint beside it that would tell.
    ASSERT_TRUE(world.disk().replace_file(testing::directory + "/00000000000000000001.seg", before));
    ASSERT_TRUE(world.disk().remove(testing::directory + "/checkpoint"));
    const auto refused = bench.try_open();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().said.find("under a signed checkpoint"), std::string::npos) << refused.error().said;
}

TEST(WitnessPlaces, AreKeyAndUrl) {
    SeededRng rng(1);
    const auto key = keys::SigningKey::generate(rng);
    const VerifierKey witness{"example.org/w", key.public_key(), KeyKind::witness}, log{"example.org/w", key.public_key()};
    const auto made = WitnessAt::parse(witness.str() + "@https://example.org/prefix");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->key.str(), witness.str());
    EXPECT_EQ(made->url.path, "/prefix");
    for (const auto& wrong : {std::string(), witness.str(), std::string("@https://example.org/"), log.str() + "@https://example.org/",
                              witness.str() + "@https://", witness.str() + "@https://example.org/?a=b"})
        EXPECT_FALSE(WitnessAt::parse(wrong)) << wrong;
    EXPECT_FALSE(WitnessAt::parse_all(std::vector<std::string>(17, witness.str() + "@https://example.org/")));
}

}  // namespace
}  // namespace meridian::metering
