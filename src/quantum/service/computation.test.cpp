// The shipped applications on the real engine: their templates run, what comes out is right, and wrong inputs get a sentence.
#include "quantum/service/computation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "quantum/programs/openqasm.h"
#include "quantum/service/house.test.h"

namespace meridian::quantum::service {
namespace {

using ::testing::HasSubstr;

Platform platform() {
    auto made = test::test_platforms().front();
    made.qubits_max = 12;
    made.facts.circuits_max = 50;
    return made;
}

struct Machine {
    Team team{1};
    PlanCache plans;
    expected<Json> run(std::string_view computes, std::string_view input, RunOptions options = {}) {
        const auto computation = read_computation(computes, input, platform());
        if (!computation) return std::unexpected(computation.error());
        const auto text = (*computation)->run(options, team, &plans);
        if (!text) return std::unexpected(text.error());
        return parse_json(*text);
    }
};

double number(const Json& json) { return json.to_number<double>(); }

TEST(Applications, RunTheirOwnTemplates) {
    std::ifstream in(std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "catalog/applications.yaml");
    const auto all = catalog::parse_applications_yaml(std::string(std::istreambuf_iterator<char>(in), {}));
    ASSERT_TRUE(all) << all.error().said;
    Machine machine;
    for (const auto& application : *all) {
        const auto result = machine.run(application.computes, application.input_template);
        EXPECT_TRUE(result) << application.name << ": " << result.error().said;
    }
}

TEST(Vqe, FindsTheGroundStateAndTheCircuitThatMakesIt) {
    Machine machine;
    // Two spins in a field: the lowest energy of ZZ - (XI + IX) / 2 is -sqrt(2).
    const std::string_view input = R"({"hamiltonian":[["ZZ",1],["XI",-0.5],["IX",-0.5],["II",0.25]],"layers":2,"seed":3,"tolerance":1e-7})";
    const auto result = machine.run("vqe", input);
    ASSERT_TRUE(result) << result.error().said;
    EXPECT_NEAR(number(result->at("energy")), 0.25 - std::sqrt(2), 1e-9);
    EXPECT_EQ(result->at("converged"), true);
    EXPECT_EQ(result->at("angles").as_array().size(), 12u);
    EXPECT_EQ(to_text(*machine.run("vqe", input)), to_text(*result)) << "a seed repeats it";
    const auto circuit = read_openqasm(view(result->at("program").as_string()));
    ASSERT_TRUE(circuit) << circuit.error().said;
    const auto energy = read_observable(*parse_json(R"([["ZZ",1],["XI",-0.5],["IX",-0.5],["II",0.25]])"), "h");
    EXPECT_NEAR(expectation(*circuit, energy->sum, Precision::double_, machine.team).value(), number(result->at("energy")), 1e-9);
}

TEST(Vqe, ReadsPauliStringsFromTheRight) {
    Machine machine;
    // Qubit 0 is turned to 1 and qubit 1 stays: <ZI> = 1, <IZ> = -1.
    const auto result =
        machine.run("vqe", R"({"hamiltonian":[["IZ",1],["ZI",-2]],"layers":1,"rotations":["ry"],"entangler":"cz","seed":1})");
    ASSERT_TRUE(result) << result.error().said;
    EXPECT_NEAR(number(result->at("energy")), -3, 1e-9);
}

TEST(Vqe, StopsWhenItIsAsked) {
    Machine machine;
    RunOptions options;
    int asked = 0;
    options.cancelled = [&] { return ++asked > 3; };
    const auto result = machine.run("vqe", R"({"hamiltonian":[["ZZ",1],["XI",-0.5]]})", options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().said, cancelled);
}

TEST(Sweeps, AreExactWithAnObservable) {
    Machine machine;
    const auto result = machine.run("sweep", R"({"program":"input float t; qubit[2] q; bit c; ry(t) q[0]; c = measure q[0];",
        "points":[{"t":0},{"t":1},{"t":2.5}],"observable":[["IZ",2],["ZI",1]]})");
    ASSERT_TRUE(result) << result.error().said;
    const double angles[] = {0, 1, 2.5};
    for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_NEAR(number(result->at("points").at(k).at("expectation")), 2 * std::cos(angles[k]) + 1, 1e-9);
        EXPECT_EQ(number(result->at("points").at(k).at("inputs").at("t")), angles[k]);
    }
}

TEST(Sweeps, CountShotsAtEachPoint) {
    Machine machine;
    const std::string_view input =
        R"({"program":"input bool b; input int n; qubit[2] q; bit[1] a; bit[2] c; if (b) { x q[0]; } for int k in [1:n] { x q[1]; })"
        R"( a[0] = measure q[0]; c = measure q;","points":[{"b":false,"n":1},{"b":true,"n":2}],"shots":100,"seed":9})";
    const auto result = machine.run("sweep", input);
    ASSERT_TRUE(result) << result.error().said;
    EXPECT_EQ(to_text(result->at("points").at(0).at("counts")), R"({"10 0":100})");
    EXPECT_EQ(to_text(result->at("points").at(1).at("counts")), R"({"01 1":100})");
    EXPECT_EQ(result->at("seed"), 9);
}

// The most that a quote says is what one gradient takes, at most, by the most of them that there can be.
TEST(Vqe, IsQuotedByTheEstimateOfAGradientAndTheMostOfThemItMayAskFor) {
    Machine machine;
    Calibration node;
    node.kernels_double = {.rotation = 1e-9, .tangent = 1e-9, .lone = 1e-9, .dense = 1e-9, .interaction = 1e-9, .phases = 1e-9};
    node.memory_bytes_per_second = node.cached_bytes_per_second = node.read_bytes_per_second = node.touch_bytes_per_second =
        node.first_touch_bytes_per_second = 1e10;
    node.seconds_per_kernel = node.seconds_per_block = 1e-8;
    node.gradients = {.product = 1e-9, .amplitude = 1e-9, .sign = 1e-9, .gate = 1e-6, .whole = 1e-5, .bytes_per_second = 1e10};
    const Allowance allowance{.bytes_free = 1u << 30, .tdp_watts = {}, .cpus = 1};
    const auto quoted = [&](std::string_view iterations, std::string_view sum) {
        const auto input = fmt::format(R"({{"hamiltonian":[{}],"layers":1,"rotations":["ry"],"iterations":{}}})", sum, iterations);
        return read_computation("vqe", input, platform()).value()->quote(platform().price(), node, allowance, &machine.plans).value();
    };
    const auto ansatz =
        read_openqasm(R"(OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; ry(0) q; cx q[0], q[1]; cx q[1], q[2]; ry(0) q;)");
    const double evaluation = estimate_gradient(*ansatz, {{1, 0, 6}, {1, 3, 0}}, node, allowance)->seconds_high;
    EXPECT_DOUBLE_EQ(quoted("10", R"(["ZZI",1],["IXX",1])").seconds_max, evaluation * 61);
    EXPECT_DOUBLE_EQ(quoted("1000", R"(["ZZI",1],["IXX",1])").seconds_max, evaluation * 2041);
    EXPECT_THAT(quoted("10", R"(["ZZI",1])").why, HasSubstr("at most 61 times"));
}

TEST(Applications, AreQuotedByWhatTheyWillDo) {
    Machine machine;
    const auto node =
        calibrate(machine.team, [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); });
    const Allowance allowance{.bytes_free = 1u << 30, .tdp_watts = 100, .cpus = 1};
    const auto quoted = [&](std::string_view computes, std::string_view input, const Allowance& room) {
        return read_computation(computes, input, platform()).value()->quote(platform().price(), node, room, &machine.plans);
    };
    const auto brief = quoted("vqe", R"({"hamiltonian":[["ZZ",1]],"iterations":10})", allowance),
               lengthy = quoted("vqe", R"({"hamiltonian":[["ZZ",1]],"iterations":1000})", allowance);
    ASSERT_TRUE(brief && lengthy);
    EXPECT_GT(lengthy->seconds, brief->seconds * 50);
    EXPECT_GE(lengthy->seconds_max, lengthy->seconds);
    EXPECT_GE(lengthy->cost_max, lengthy->cost);
    EXPECT_TRUE(lengthy->energy);
    const auto sweep = quoted("sweep", R"({"program":"qubit q; bit c; c = measure q;","points":[{},{}],"shots":7})", allowance);
    EXPECT_EQ(sweep->circuits, 2u);
    EXPECT_EQ(sweep->shots, 7u);
    EXPECT_FALSE(quoted("vqe", R"({"hamiltonian":[["ZZZZZZZZZZZZ",1]]})", {.bytes_free = 100'000, .tdp_watts = {}, .cpus = 1}))
        << "one state would fit, but a gradient takes two";
}

TEST(Applications, SayWhatIsWrongWithAnInput) {
    struct Row {
        std::string_view computes, input, said;
    };
    const Row rows[] = {
        {"tea", "{}", "does not know how to compute"},
        {"vqe", "{", "cannot be read as JSON"},
        {"vqe", "[]", "must be a JSON object"},
        {"vqe", "{}", "'hamiltonian' is a list such as"},
        {"vqe", R"({"hamiltonian":[["ZQ",1]]})", "'hamiltonian' is a list such as"},
        {"vqe", R"({"hamiltonian":[["Z",1],["ZZ",1]]})", "of one length"},
        {"vqe", R"({"hamiltonian":[["",1]]})", "'hamiltonian' is a list such as"},
        {"vqe", R"({"hamiltonian":[["Z","1"]]})", "with finite numbers"},
        {"vqe", R"({"hamiltonian":[["ZZZZZZZZZZZZZ",1]]})", "takes at most 12"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"layers":65})", "'layers' is from 1 to 64"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"iterations":0})", "'iterations' is from 1 to 10000"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"tolerance":0})", "'tolerance' is between 0 and 1"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"rotations":["h"]})", "'rotations' are one to three of rx, ry and rz"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"rotations":[]})", "'rotations' are one to three of rx, ry and rz"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"entangler":"swap"})", "'entangler' is cx or cz"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"layers":1,"start":[1]})", "for each of the 4 angles"},
        {"vqe", R"({"hamiltonian":[["Z",1]],"colour":"red"})", "colour"},
        {"sweep", "{}", "program"},
        {"sweep", R"({"program":"qubit q;"})", "'points' is a list of 1 to 50"},
        {"sweep", R"({"program":"qubit q;","points":[{}]})", "The program measures nothing"},
        {"sweep", R"({"program":"qubit q; bit c; c = measure q;","points":[7]})", "Point 1: it is no object"},
        {"sweep", R"({"program":"qubit q; bit c; c = measure q;","points":[{},{"t":"1"}]})", "Point 2: the parameter 't' is no number"},
        {"sweep", R"({"program":"input float t;","points":[{"t":1},{}]})", "Point 2: line 1, column 13: the input 't' has no value"},
        {"sweep", R"({"program":"qubit[13] q; bit c; c = measure q[0];","points":[{}]})", "has 13 qubits"},
        {"sweep", R"({"program":"qubit q; bit c; c = measure q;","points":[{}],"shots":0})", "takes 1 to 1000000 shots"},
        {"sweep", R"({"program":"qubit q;","points":[{}],"observable":[["ZZ",1]]})", "The observable has 2 qubits and the program 1"},
    };
    for (const auto& row : rows) {
        const auto read = read_computation(row.computes, row.input, platform());
        ASSERT_FALSE(read) << row.input;
        EXPECT_THAT(read.error().said, HasSubstr(row.said)) << row.input;
    }
    Machine machine;
    const auto middle = machine.run("sweep", R"({"program":"qubit q; bit c; c = measure q; h q;","points":[{}],"observable":[["Z",1]]})");
    ASSERT_FALSE(middle);
    EXPECT_THAT(middle.error().said, HasSubstr("measurements in the middle"));
}

}  // namespace
}  // namespace meridian::quantum::service
