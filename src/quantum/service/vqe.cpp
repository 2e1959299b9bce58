// The variational quantum eigensolver: layers of rotations and a chain of entangling gates, whose angles go down the exact gradient of the
// energy until it is flat.
#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "base/error.h"
#include "base/rng.h"
#include "quantum/service/computation.h"
#include "quantum/service/minimize.h"
#include "quantum/service/quote.h"
#include "resource/json_bind.h"

namespace meridian::quantum::service {

struct VqeInput {
    Json hamiltonian;
    std::uint64_t layers = 2, iterations = 200;
    std::vector<std::string> rotations{"ry", "rz"};
    std::string entangler = "cx";
    double tolerance = 1e-6;
    std::optional<std::uint64_t> seed;
    std::optional<std::vector<double>> start;
};
constexpr auto describe(As<VqeInput>) {
    using V = VqeInput;
    return fields(field("hamiltonian", &V::hamiltonian), field("layers", &V::layers, defaulted),
                  field("iterations", &V::iterations, defaulted), field("rotations", &V::rotations, defaulted),
                  field("entangler", &V::entangler, defaulted), field("tolerance", &V::tolerance, defaulted), field("seed", &V::seed),
                  field("start", &V::start));
}

namespace {

constexpr double searches = 1.5;  // evaluations an iteration, seldom more

std::optional<Gate> gate_of(std::string_view name, std::initializer_list<std::pair<std::string_view, Gate>> known) {
    for (const auto& [word, gate] : known)
        if (word == name) return gate;
    return std::nullopt;
}

class Vqe final : public Computation {
public:
    Vqe(Observable energy, const VqeInput& input, std::vector<Gate> rotations, Gate entangler)
        : energy_(std::move(energy)), iterations_(input.iterations), tolerance_(input.tolerance), seed_(input.seed) {
        const std::vector<double> zero{0};
        ansatz_.qubits = energy_.qubits;
        ansatz_.qubit_registers = {{"q", 0, energy_.qubits}};
        for (std::uint64_t layer = 0; layer <= input.layers; ++layer) {
            for (const auto gate : rotations)
                for (std::uint32_t q = 0; q < ansatz_.qubits; ++q) ansatz_.add(gate, std::vector{q}, zero);
            if (layer == input.layers) break;
            for (std::uint32_t q = 0; q + 1 < ansatz_.qubits; ++q) ansatz_.add(entangler, std::vector{q, q + 1});
        }
        if (input.start) start_ = *input.start;
    }
    [[nodiscard]] std::size_t angles() const { return ansatz_.angles.size(); }

    [[nodiscard]] std::size_t bytes() const override { return bytes_of(ansatz_) + energy_.sum.size() * sizeof(PauliTerm); }
    [[nodiscard]] expected<Quote> quote(const metering::Price& price, const Calibration& node, const Allowance& allowance,
                                        PlanCache*) const override {
        auto cost = estimate_gradient(ansatz_, energy_.sum, node, allowance);
        if (!cost) return std::unexpected(cost.error());
        const double evaluations = 1 + searches * static_cast<double>(iterations_);
        if (cost->joules) *cost->joules *= evaluations;
        cost->seconds *= evaluations;
        cost->seconds_high *= static_cast<double>(evaluations_max(iterations_));
        return priced(*cost, price,
                      {.engine = "statevector with adjoint gradients, double precision",
                       .why = fmt::format("{} angles on {} qubits, all derivatives in one pass back, at most {} times", angles(),
                                          ansatz_.qubits, evaluations_max(iterations_)),
                       .circuits = 1,
                       .shots = 0});
    }

    [[nodiscard]] expected<std::string> run(const RunOptions& options, Team& team, PlanCache*) const override {
        const auto seed = seed_.value_or(options.seed);
        auto circuit = ansatz_;
        std::optional<Diagnostic> broken;
        double done = 0;
        std::size_t asked = 0;
        const auto slope = [&](const std::vector<double>& angles) -> std::optional<Slope> {
            if (options.cancelled && options.cancelled()) return std::nullopt;
            circuit.angles = angles;
            auto made = gradient(circuit, energy_.sum, team);
            if (!made) {
                broken = made.error();
                return std::nullopt;
            }
            done = std::min(1.0, static_cast<double>(++asked) / (searches * static_cast<double>(iterations_)));
            if (options.progress) options.progress(done);
            return Slope{made->value, std::move(made->by_angle)};
        };
        const auto found = minimize(slope, start_.empty() ? random_start(seed) : start_, {iterations_, tolerance_});
        if (!found) return broken ? std::unexpected(*broken) : complaint(std::string(cancelled));
        return result_of(*found, seed);
    }

private:
    [[nodiscard]] std::vector<double> random_start(std::uint64_t seed) const {
        SeededRng rng(seed);
        std::vector<double> angles(ansatz_.angles.size());
        for (double& angle : angles) angle = (static_cast<double>(rng.next() >> 11) * 0x1p-53 * 2 - 1) * std::numbers::pi;
        return angles;
    }
    // With the circuit that makes the state, for whoever wants to measure more of it.
    [[nodiscard]] std::string result_of(const Minimum& found, std::uint64_t seed) const {
        std::string program = fmt::format("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[{}] q;\n", ansatz_.qubits);
        std::size_t angle = 0;
        for (const auto& op : ansatz_.ops) {
            program += info(op.gate).name;
            if (info(op.gate).parameters > 0) program += fmt::format("({})", found.at[angle++]);
            const auto operands = ansatz_.operands_of(op);
            program += fmt::format(" q[{}]", operands[0]);
            if (operands.size() > 1) program += fmt::format(", q[{}]", operands[1]);
            program += ";\n";
        }
        return to_text(JsonObject{{"energy", found.value},
                                  {"converged", found.is_converged},
                                  {"iterations", found.history.size() - 1},
                                  {"evaluations", found.evaluations},
                                  {"seed", seed},
                                  {"angles", JsonArray(found.at.begin(), found.at.end())},
                                  {"history", JsonArray(found.history.begin(), found.history.end())},
                                  {"program", program}});
    }

    Observable energy_;
    std::size_t iterations_;
    double tolerance_;
    std::optional<std::uint64_t> seed_;
    Circuit ansatz_;
    std::vector<double> start_;
};

}  // namespace

expected<std::unique_ptr<Computation>> read_vqe(const Json& json, const Platform& platform) {
    VqeInput input;
    try {
        input = from_json<VqeInput>(json, {.is_strict = true});
    } catch (const Error& error) {
        return complaint(error.said);
    }
    auto energy = read_observable(input.hamiltonian, "hamiltonian");
    if (!energy) return std::unexpected(energy.error());
    if (energy->qubits > platform.qubits_max)
        return complaint(
            fmt::format("The Hamiltonian has {} qubits; {} takes at most {}.", energy->qubits, platform.name, platform.qubits_max));
    if (input.layers < 1 || input.layers > limits::vqe_layers)
        return complaint(fmt::format("'layers' is from 1 to {}.", limits::vqe_layers));
    if (input.iterations < 1 || input.iterations > limits::vqe_iterations)
        return complaint(fmt::format("'iterations' is from 1 to {}.", limits::vqe_iterations));
    if (!(input.tolerance > 0 && input.tolerance < 1)) return complaint("'tolerance' is between 0 and 1.");
    std::vector<Gate> rotations;
    for (const auto& name : input.rotations) {
        const auto gate = gate_of(name, {{"rx", Gate::rx}, {"ry", Gate::ry}, {"rz", Gate::rz}});
        if (!gate || rotations.size() == 3) return complaint("'rotations' are one to three of rx, ry and rz.");
        rotations.push_back(*gate);
    }
    if (rotations.empty()) return complaint("'rotations' are one to three of rx, ry and rz.");
    const auto entangler = gate_of(input.entangler, {{"cx", Gate::cx}, {"cz", Gate::cz}});
    if (!entangler) return complaint("'entangler' is cx or cz.");
    auto made = std::make_unique<Vqe>(std::move(*energy), input, rotations, *entangler);
    if (made->angles() > limits::vqe_angles)
        return complaint(
            fmt::format("This ansatz has {} angles; at most {} are possible. Use fewer layers.", made->angles(), limits::vqe_angles));
    if (input.start &&
        (input.start->size() != made->angles() || !std::ranges::all_of(*input.start, [](double a) { return std::isfinite(a); })))
        return complaint(fmt::format("'start' has one finite number for each of the {} angles.", made->angles()));
    return made;
}

}  // namespace meridian::quantum::service
