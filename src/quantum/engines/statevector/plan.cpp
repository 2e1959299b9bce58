#include "quantum/engines/statevector/plan.h"

#include <bit>
#include <numeric>

#include "base/error.h"

namespace meridian::quantum {

// One operation after the other, each in one pass.
template <class Real>
struct Plan<Real>::Body {
    struct Step {
        std::vector<std::uint8_t> targets;  // positions, least significant first
        std::uint64_t mask = 0, want = 0;   // of the controls
        std::vector<Amplitude> matrix;
    };
    unsigned qubits = 0;
    std::size_t begin = 0, end = 0;
    PlanOptions options;
    std::vector<std::uint8_t> positions;
    std::vector<Step> steps;
};

template <class Real>
unsigned Plan<Real>::qubits() const {
    return body_->qubits;
}
template <class Real>
const std::vector<std::uint8_t>& Plan<Real>::positions_before() const {
    return body_->positions;
}
template <class Real>
const std::vector<std::uint8_t>& Plan<Real>::positions_after() const {
    return body_->positions;
}
template <class Real>
std::uint64_t Plan<Real>::sweeps() const {
    return body_->steps.size();
}
template <class Real>
std::uint64_t Plan<Real>::fused_gates() const {
    return body_->steps.size();
}
template <class Real>
std::uint64_t Plan<Real>::flops() const {
    std::uint64_t sum = 0;
    for (const auto& step : body_->steps) sum += (std::uint64_t{8} << step.targets.size()) << body_->qubits;
    return sum;
}
template <class Real>
std::uint64_t Plan<Real>::bytes_moved() const {
    return sweeps() * 4 * sizeof(Real) << body_->qubits;
}

template <class Real>
Plan<Real> compile(const Circuit& circuit, std::size_t begin, std::size_t end, const PlanOptions& options) {
    MERIDIAN_ASSERT(begin <= end && end <= circuit.ops.size());
    auto body = std::make_shared<typename Plan<Real>::Body>();
    body->qubits = circuit.qubits;
    body->begin = begin;
    body->end = end;
    body->options = options;
    body->positions = options.positions;
    if (body->positions.empty()) {
        body->positions.resize(circuit.qubits);
        std::iota(body->positions.begin(), body->positions.end(), std::uint8_t{0});
    }
    MERIDIAN_ASSERT(body->positions.size() == circuit.qubits);
    for (std::size_t k = begin; k < end; ++k) {
        const Op& op = circuit.ops[k];
        if (op.kind == Op::Kind::barrier || op.kind == Op::Kind::delay) continue;
        MERIDIAN_ASSERT(op.kind == Op::Kind::gate || op.kind == Op::Kind::unitary);
        typename Plan<Real>::Body::Step step;
        for (const std::uint32_t target : circuit.targets_of(op)) step.targets.push_back(body->positions[target]);
        const auto controls = circuit.controls_of(op);
        for (std::size_t c = 0; c < controls.size(); ++c) {
            step.mask |= std::uint64_t{1} << body->positions[controls[c]];
            step.want |= (op.control_values >> c & 1) << body->positions[controls[c]];
        }
        step.matrix = matrix_of(circuit, op);
        body->steps.push_back(std::move(step));
    }
    return Plan<Real>(std::move(body));
}

template <class Real>
Plan<Real> rebind(const Plan<Real>& plan, const Circuit& circuit) {
    const auto& body = plan.body();
    PlanOptions options = body.options;
    options.positions = body.positions;
    return compile<Real>(circuit, body.begin, body.end, options);
}

template <class Real>
bool apply(const Plan<Real>& plan, State<Real>& state, Team& team, const Between& between) {
    const auto& body = plan.body();
    MERIDIAN_ASSERT(body.qubits == state.qubits());
    for (const auto& step : body.steps) {
        if (between && !between(double(&step - body.steps.data()) / double(body.steps.size()))) return false;
        // Under another map every position is translated: by qubit, from the plan's map into the state's.
        std::vector<std::uint8_t> at(body.qubits);
        for (unsigned q = 0; q < body.qubits; ++q) at[body.positions[q]] = state.position[q];
        std::uint64_t mask = 0, want = 0, support = 0;
        for (unsigned p = 0; p < body.qubits; ++p) {
            mask |= (step.mask >> p & 1) << at[p];
            want |= (step.want >> p & 1) << at[p];
        }
        const std::size_t side = std::size_t{1} << step.targets.size();
        std::vector<std::size_t> offset(side, 0);
        for (std::size_t r = 0; r < side; ++r)
            for (std::size_t t = 0; t < step.targets.size(); ++t) offset[r] |= (r >> t & 1) << at[step.targets[t]];
        support = offset[side - 1];
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(state.size(), member);
            std::vector<std::complex<double>> in(side);
            for (std::size_t k = begin; k < end; ++k) {
                if ((k & support) != 0 || (k & mask) != want) continue;
                for (std::size_t r = 0; r < side; ++r) in[r] = state.at(k | offset[r]);
                for (std::size_t r = 0; r < side; ++r) {
                    std::complex<double> sum = 0;
                    for (std::size_t c = 0; c < side; ++c) sum += step.matrix[r * side + c] * in[c];
                    state.set(k | offset[r], std::complex<Real>(sum));
                }
            }
        });
    }
    return true;
}

template class Plan<double>;
template class Plan<float>;
template Plan<double> compile(const Circuit&, std::size_t, std::size_t, const PlanOptions&);
template Plan<float> compile(const Circuit&, std::size_t, std::size_t, const PlanOptions&);
template Plan<double> rebind(const Plan<double>&, const Circuit&);
template Plan<float> rebind(const Plan<float>&, const Circuit&);
template bool apply(const Plan<double>&, State<double>&, Team&, const Between&);
template bool apply(const Plan<float>&, State<float>&, Team&, const Between&);

}  // namespace meridian::quantum
