// Many parameter sets of one small circuit at once, a set in each lane of the vectors.
//
// Problem: a small state is left waiting for kernels to begin and for permutations within vectors. Idea: lay out amplitude k of all sets
// next to each other. Then every qubit is far from the lanes, a gate is the same loop for each of them, and each set brings its own
// coefficients. Gates on one qubit that follow each other are multiplied first, set by set; X under controls moves amplitudes and
// multiplies nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "quantum/engines/statevector/observable.h"
#include "quantum/engines/statevector/prepare.h"
#include "quantum/engines/statevector/table.h"

namespace meridian::quantum {

// What one structure needs: the steps, without their coefficients.
struct LanePlan {
    enum class Kind : std::uint8_t { exchange, diagonal, one, two };  // exchange: X on one target
    struct Step {
        Kind kind = Kind::one;
        std::uint32_t targets[2] = {0, 0};
        std::uint8_t target_count = 0;
        std::uint64_t control_mask = 0, control_value = 0;
        std::vector<std::uint32_t> ops;  // in order
    };
    std::uint32_t qubits = 0;
    std::vector<Op> ops;
    std::vector<Step> steps;

    // Amplitudes that all steps pass over, each weighed by what it costs beside a 2x2 matrix.
    [[nodiscard]] double passes() const;

    // Nothing where lanes do not serve: a large state, or matrices on more than two qubits.
    static std::optional<LanePlan> of(const Prepared& program);
};

template <class Real>
class LaneStates {
public:
    static constexpr std::size_t lanes = 64 / sizeof(Real);

    explicit LaneStates(const LanePlan& plan);
    // From |0...0>, with the angles of up to `lanes` circuits of the plan's structure.
    void run(std::span<const Circuit* const> circuits);
    [[nodiscard]] Table table(std::size_t lane) const;
    void expectations(const Observable& observable, std::span<double> out) const;

private:
    struct Release {
        void operator()(Real* data) const;
    };
    using Block = std::unique_ptr<Real[], Release>;
    static Block room(std::size_t vectors);
    void bind(std::span<const Circuit* const> circuits);

    const LanePlan& plan_;
    Block state_;                     // amplitude k: vector 2k of real, vector 2k + 1 of imaginary parts
    Block coefficients_;              // of all steps, one after the other
    std::vector<std::size_t> first_;  // vector of each step's coefficients
};

extern template class LaneStates<double>;
extern template class LaneStates<float>;

namespace limits {
inline constexpr std::uint32_t lane_qubits = 12;  // 2^12 amplitudes of 64 bytes twice: half of a second-level cache
}

}  // namespace meridian::quantum
