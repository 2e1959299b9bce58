#include "quantum/engines/statevector/kernels.h"

#include <array>
#include <bit>
#include <complex>
#include <string_view>
#include <type_traits>

#include "quantum/engines/statevector/state.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantum/engines/statevector/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Compiled once for each instruction set; the best one is chosen when a program runs.
#include "quantum/engines/statevector/kernels-bundle.inl"
#include "quantum/engines/statevector/kernels-dense.inl"
#include "quantum/engines/statevector/kernels-interaction.inl"
#include "quantum/engines/statevector/kernels-phase.inl"

HWY_BEFORE_NAMESPACE();
namespace meridian::quantum::HWY_NAMESPACE {

template <class Real>
void run_program(const Program& program, const Real* pool, Real* block, std::uint64_t outer, Workspace<Real>& workspace) {
    for (const Kernel kernel : program.order) {
        switch (kernel.kind) {
            case Kernel::Kind::bundle:
                run_bundle(program.bundles[kernel.index], pool, block, program.bits, outer);
                break;
            case Kernel::Kind::dense:
                run_dense(program.denses[kernel.index], pool, block, program.bits);
                break;
            case Kernel::Kind::interaction:
                run_interaction(program.interactions[kernel.index], pool, block, program.bits);
                break;
            case Kernel::Kind::conditional:
                run_conditional(program.conditionals[kernel.index], pool, block, program.bits, outer);
                break;
            case Kernel::Kind::large:
                run_large(program.larges[kernel.index], pool, block, program.bits, outer, workspace);
                break;
            case Kernel::Kind::phases:
                run_phases(program.phases[kernel.index], pool, block, program.bits, outer, workspace);
                break;
        }
    }
}

void run_double(const Program& program, const double* pool, double* block, std::uint64_t outer, Workspace<double>& workspace) {
    run_program(program, pool, block, outer, workspace);
}
void run_float(const Program& program, const float* pool, float* block, std::uint64_t outer, Workspace<float>& workspace) {
    run_program(program, pool, block, outer, workspace);
}
std::size_t lanes_double() { return hn::Lanes(Vectors<double>()); }
std::size_t lanes_float() { return hn::Lanes(Vectors<float>()); }

}  // namespace meridian::quantum::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace meridian::quantum {

HWY_EXPORT(run_double);
HWY_EXPORT(run_float);
HWY_EXPORT(lanes_double);
HWY_EXPORT(lanes_float);

template <>
unsigned vector_lane_bits<double>() {
    return unsigned(std::countr_zero(HWY_DYNAMIC_DISPATCH(lanes_double)()));
}
template <>
unsigned vector_lane_bits<float>() {
    return unsigned(std::countr_zero(HWY_DYNAMIC_DISPATCH(lanes_float)()));
}

template <>
void run(const Program& program, const double* pool, double* block, std::uint64_t outer, Workspace<double>& workspace) {
    HWY_DYNAMIC_DISPATCH(run_double)(program, pool, block, outer, workspace);
}
template <>
void run(const Program& program, const float* pool, float* block, std::uint64_t outer, Workspace<float>& workspace) {
    HWY_DYNAMIC_DISPATCH(run_float)(program, pool, block, outer, workspace);
}

std::vector<const char*> instruction_sets() {
    std::vector<const char*> names;
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) names.push_back(hwy::TargetName(target));
    return names;
}

void use_instruction_set(const char* name) {
    hwy::SetSupportedTargetsForTest(0);
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets())
        if (name != nullptr && std::string_view(hwy::TargetName(target)) == name) return hwy::SetSupportedTargetsForTest(target);
}

}  // namespace meridian::quantum
#endif
