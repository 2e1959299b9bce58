// What an engine is asked for: samples, expectation values, gradients, and what each will cost before it runs.
//
// Everything here is a function of its arguments. Randomness comes from the seed, and results for a seed do not depend on the size of the
// team: each random number is a function of (seed, shot, draw). Time comes in as a function. Circuits are without flaw (`flaw`), which
// decoders see to; what an engine cannot do ends in a sentence for the user.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "quantum/engines/team.h"
#include "quantum/ir/circuit.h"

namespace meridian::quantum {

namespace limits {
inline constexpr unsigned statevector_qubits = 40, amplitudes_qubits = 26;
inline constexpr std::uint64_t shots = 100'000'000;
inline constexpr std::uint64_t outcome_words = std::uint64_t{1} << 27;  // shots times words of 64 classical bits
inline constexpr std::uint64_t branch_bytes = std::uint64_t{256} << 20;
inline constexpr std::size_t pauli_terms = std::size_t{1} << 20;
}  // namespace limits

enum class Precision : std::uint8_t { double_, single };

// Outcomes of the circuit's classical bits, in words of 64: bit k of the circuit is bit k % 64 of word k / 64. Bits that are never written
// are 0.
struct Samples {
    std::uint32_t bits = 0;
    std::uint64_t shots = 0;
    std::vector<std::uint64_t> outcomes;  // distinct ones, words() each, ascending as numbers
    std::vector<std::uint64_t> counts;    // shots that gave each
    std::vector<std::uint64_t> memory;    // words() per shot in shot order; only where it was asked for

    [[nodiscard]] std::size_t words() const { return (std::size_t{bits} + 63) / 64; }
    [[nodiscard]] std::span<const std::uint64_t> outcome(std::size_t k) const { return std::span(outcomes).subspan(k * words(), words()); }
    [[nodiscard]] std::span<const std::uint64_t> shot(std::uint64_t k) const { return std::span(memory).subspan(k * words(), words()); }
    bool operator==(const Samples&) const = default;
};

// Plans of the circuits seen last, by structure: a session keeps one, so that a loop over angles schedules once. One user at a time.
class PlanCache {
public:
    explicit PlanCache(std::size_t circuits_max = 16);
    ~PlanCache();
    PlanCache(PlanCache&&) noexcept;
    PlanCache& operator=(PlanCache&&) noexcept;

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::uint64_t hits() const;

    struct Body;
    [[nodiscard]] Body& body() const { return *body_; }

private:
    std::unique_ptr<Body> body_;
};

struct RunOptions {
    Precision precision = Precision::double_;
    std::uint64_t shots = 1024;
    std::uint64_t seed = 0;
    bool memory = false;                                // fill Samples::memory
    std::uint64_t branch_bytes = limits::branch_bytes;  // for copies of the state where measurements part the shots; 0 is slow but works
    std::uint64_t steps = limits::steps;                // operations of one shot after which a loop counts as endless
    // Asked between sweeps, on the calling thread. True ends the run with the complaint `cancelled`.
    std::function<bool()> cancelled = {};
    // The share of the work that is done, in [0, 1], ascending, on the calling thread.
    std::function<void(double)> progress = {};
};
inline constexpr std::string_view cancelled = "cancelled";  // the whole complaint of a run that was

// Mid-circuit measurements, resets and feed-forward included. Channels are refused.
expected<Samples> sample(const Circuit& circuit, const RunOptions& options, Team& team, PlanCache* plans = nullptr);
// One result per circuit, in their order. Circuits of one structure run together in vector lanes where that is faster. Circuit k draws from
// a seed that follows from `options.seed` and k alone.
std::vector<expected<Samples>> sample_all(std::span<const Circuit> circuits, const RunOptions& options, Team& team,
                                          PlanCache* plans = nullptr);

// The seed of the k-th circuit of a job; the first one has the job's own.
std::uint64_t seed_of(std::uint64_t seed, std::size_t circuit);

// All amplitudes of a circuit of unitary operations, global phase included: bit q of an index is qubit q. For small circuits and tests.
expected<std::vector<Amplitude>> statevector(const Circuit& circuit, Precision precision, Team& team);

// sum of coefficient * P, where P is X on the qubits of `x`, Z on those of `z` and Y on those of both.
struct PauliTerm {
    double coefficient = 1;
    std::uint64_t x = 0, z = 0;
    bool operator==(const PauliTerm&) const = default;
};
using PauliSum = std::vector<PauliTerm>;
// "XIZ": X on qubit 0, Z on qubit 2. Nothing for other letters or more than 64.
std::optional<PauliTerm> pauli(double coefficient, std::string_view letters);

// <0| U^+ H U |0> of a circuit of unitary operations.
expected<double> expectation(const Circuit& circuit, const PauliSum& sum, Precision precision, Team& team, PlanCache* plans = nullptr);
// The same for many circuits, those of one structure together in vector lanes.
std::vector<expected<double>> expectation_all(std::span<const Circuit> circuits, const PauliSum& sum, Precision precision, Team& team,
                                              PlanCache* plans = nullptr);

struct Gradient {
    double value = 0;
    std::vector<double> by_angle;  // the derivative by each element of Circuit::angles; 0 for angles that no gate uses
};
// By the adjoint method: two states in double precision, one pass back, whatever the number of angles.
expected<Gradient> gradient(const Circuit& circuit, const PauliSum& sum, Team& team);

// What this node needs for its work, measured once. Seconds for one amplitude in one kernel, on one thread, in cache.
struct Calibration {
    struct Kernels {
        double rotation = 0, tangent = 0, lone = 0, dense = 0, interaction = 0, phases = 0;
        bool operator==(const Kernels&) const = default;
    };
    // Of gradients, in double precision. A product is that of an amplitude with a complex number on the way back; the terms that flip the
    // same qubits cost something for each amplitude, and for each sign that has to be worked out.
    struct Gradients {
        double product = 0, amplitude = 0, sign = 0;  // seconds on one thread, in cache
        double gate = 0, whole = 0;                   // fixed parts, planning included
        double bytes_per_second = 0;                  // of both states, where they are in memory, all threads
        bool operator==(const Gradients&) const = default;
    };
    unsigned threads = 1;
    double threads_worth = 1;  // how many times faster all of them are
    Kernels kernels_double, kernels_single;
    Gradients gradients;
    double memory_bytes_per_second = 0;       // sweeps over memory, reading and writing, all threads
    double cached_bytes_per_second = 0;       // the same of a state that stays in the last-level cache
    double read_bytes_per_second = 0;         // sums of the blocks that samples are drawn by
    double touch_bytes_per_second = 0;        // of memory that is given to a state and taken back
    double first_touch_bytes_per_second = 0;  // of the first that was asked for, which a host may have to find
    double seconds_per_kernel = 0;            // the fixed part of one kernel
    double seconds_per_lane_pass = 0;         // a 2x2 matrix on one amplitude of all sets in the lanes, on one thread
    double seconds_per_shot = 2e-7;           // a number and its place in the order
    double seconds_per_block = 0;             // a look at the 4096 amplitudes that a shot fell on
    bool operator==(const Calibration&) const = default;
};
// Takes less than half a second. `seconds` is a monotonic clock.
Calibration calibrate(Team& team, const std::function<double()>& seconds);

// What the run may take and what the operator knows of the node.
struct Allowance {
    std::uint64_t bytes_free = 0;     // memory this run may use
    std::optional<double> tdp_watts;  // of the node's processors under full load
    unsigned cpus = 0;                // of the node; a run's share of the watts is threads / cpus
};

struct Cost {
    std::uint64_t bytes = 0;       // peak memory
    std::uint64_t operations = 0;  // floating-point
    std::uint64_t sweeps = 0;      // passes over all amplitudes
    double seconds = 0, seconds_low = 0, seconds_high = 0;
    enum class Basis : std::uint8_t { unknown, modelled } joules_basis = Basis::unknown;
    std::optional<double> joules;                        // nothing where nothing is known
    [[nodiscard]] std::string_view joules_said() const;  // "declared watts x seconds", "unknown"
};
// Of sampling `shots` from the circuit. What does not fit or cannot be computed is refused with a sentence that names a way out.
// The plan that was looked at stays in `plans` for the run.
expected<Cost> estimate(const Circuit& circuit, Precision precision, std::uint64_t shots, const Calibration& node,
                        const Allowance& allowance, PlanCache* plans = nullptr);
// Of a whole job, as `sample_all` will run it.
expected<Cost> estimate_all(std::span<const Circuit> circuits, Precision precision, std::uint64_t shots, const Calibration& node,
                            const Allowance& allowance, PlanCache* plans = nullptr);
// Of one gradient, as `gradient` will take it: two states, and time for planning too.
expected<Cost> estimate_gradient(const Circuit& circuit, const PauliSum& sum, const Calibration& node, const Allowance& allowance);

}  // namespace meridian::quantum
