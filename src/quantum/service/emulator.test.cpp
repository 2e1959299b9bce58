// The computer itself, with the real decoders and the real engine.
#include "quantum/service/emulator.h"

#include <gmock/gmock.h>

#include "base/hash.h"
#include "quantum/programs/compress.h"
#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using ::testing::HasSubstr;

std::string payload(const std::string& program) {
    return to_text(JsonObject{
        {"programs", JsonArray{JsonObject{{"compression_format", 1}, {"serialization", program}, {"serialization_format", 3}}}}});
}

// What the envelope of a result carries.
std::string carried(const Ran& ran) {
    const auto envelope = parse_json(ran.result).value();
    return unzip(unbase64(view(envelope.at("serialization").as_string())).value(), 1 << 20).value();
}

struct Machine {
    sim::World world{7};
    store::ContentStore content{world.disk(), "/content", "fr-par-1"};
    std::uint64_t microjoules = 0;
    std::unique_ptr<Computer> computer =
        emulator(content, world.clock(), world.rng(), world.pool(), world.pool(), world.pool(),
                 {.zone = "fr-par-1", .memory_bytes = 1 << 30, .threads = 1, .cpus = 1, .watts = 100, .energy_counter = [this] {
                      return std::optional(microjoules += 5'000);
                  }});
    ProjectId project = ProjectId::random(world.rng());

    Order order(const std::string& text, std::optional<std::string> application = {}) {
        const auto job = JobId::random(world.rng());
        content.put(store::ContentHandle(project, "fr-par-1"), "program-" + job.str(), text);
        return {.job = job,
                .session = SessionId::random(world.rng()),
                .project = project,
                .platform = test::test_platforms().front(),
                .content = "program-" + job.str(),
                .parameters = R"({"shots":100})",
                .application = std::move(application)};
    }
    expected<Ran> run(const Order& of, const Ready& ready) { return world.run(computer->run(of, ready, std::make_shared<Control>())); }
};

TEST(Emulator, QuotesAndRunsAProgram) {
    Machine machine;
    const auto order = machine.order(payload("qubit[2] q; bit[2] c; x q[0]; c = measure q;"));
    const auto ready = machine.world.run(machine.computer->prepare(order));
    ASSERT_TRUE(ready) << ready.error().said;
    EXPECT_EQ(ready->quote.shots, 100u);
    EXPECT_EQ(ready->quote.energy_basis, "declared watts x seconds");
    EXPECT_TRUE(ready->decoded) << "what is small stays decoded";
    const auto ran = machine.run(order, *ready);
    ASSERT_TRUE(ran) << ran.error().said;
    EXPECT_THAT(carried(*ran), HasSubstr(R"("counts":{"01":100})"));
    EXPECT_GE(ran->energy.value(), Millijoules(5)) << "by the counter";
}

TEST(Emulator, RunsAnApplication) {
    Machine machine;
    const auto order = machine.order(R"({"hamiltonian":[["Z",1]],"layers":1,"seed":2})", "vqe");
    const auto ready = machine.world.run(machine.computer->prepare(order));
    ASSERT_TRUE(ready) << ready.error().said;
    const auto ran = machine.run(order, *ready);
    ASSERT_TRUE(ran) << ran.error().said;
    EXPECT_NEAR(parse_json(ran->result)->at("energy").to_number<double>(), -1, 1e-9);
    const auto wrong = machine.world.run(machine.computer->prepare(machine.order("{}", "vqe")));
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().said, HasSubstr("'hamiltonian'"));
}

TEST(Emulator, KeepsNoCircuitThatAFewBytesOfTextUnrollInto) {
    Machine machine;
    const auto order = machine.order(payload("qubit q; bit c; for int i in [1:60000] { for int k in [1:4] { x q; } } c = measure q;"));
    const auto ready = machine.world.run(machine.computer->prepare(order));
    ASSERT_TRUE(ready) << ready.error().said;
    EXPECT_FALSE(ready->decoded);
    const auto ran = machine.run(order, *ready);
    ASSERT_TRUE(ran) << ran.error().said;
    EXPECT_THAT(carried(*ran), HasSubstr(R"("counts":{"0":100})")) << "it is read again when it runs";
}

TEST(Emulator, EndsARunThatIsCancelledBeforeItBegins) {
    Machine machine;
    const auto order = machine.order(payload("qubit q; bit c; c = measure q;"));
    const auto ready = machine.world.run(machine.computer->prepare(order));
    auto control = std::make_shared<Control>();
    control->cancel = true;
    const auto ran = machine.world.run(machine.computer->run(order, *ready, control));
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().said, was_cancelled);
}

}  // namespace
}  // namespace meridian::quantum::service
