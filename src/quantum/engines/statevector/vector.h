// Vectors of 64 bytes in plain arithmetic, and code compiled once per instruction set with the choice made at run time.
//
// A vector is what a block of the layout holds of real or imaginary parts. The compiler splits it where registers are smaller, so the same
// source serves every machine. Kernels are written once as always-inlined functions that take pointers; MERIDIAN_FOR_EACH_TARGET wraps
// them for each instruction set.
#pragma once
#include <cstddef>

namespace meridian::quantum {

using Doubles [[gnu::vector_size(64), gnu::may_alias]] = double;
using Floats [[gnu::vector_size(64), gnu::may_alias]] = float;

template <class Real>
struct VectorOf;
template <>
struct VectorOf<double> {
    using Type = Doubles;
};
template <>
struct VectorOf<float> {
    using Type = Floats;
};

enum class Target { base, avx2, avx512 };
// The best that this machine has.
Target target();

#if defined(__x86_64__)
#define MERIDIAN_FOR_EACH_TARGET(X) \
    X(base, ) X(avx2, [[gnu::target("avx2,fma")]]) X(avx512, [[gnu::target("avx512f,avx512dq,avx512vl,fma")]])
#else
#define MERIDIAN_FOR_EACH_TARGET(X) X(base, )
#endif

}  // namespace meridian::quantum
