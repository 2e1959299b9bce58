// Code compiled once per instruction set, with the choice made at run time.
//
// Kernels are written once as always-inlined functions over vectors of `vector_bytes_NAME` bytes; MERIDIAN_FOR_EACH_TARGET wraps them for
// each instruction set, and MERIDIAN_BEST calls the wrapper that this machine runs fastest.
#pragma once
#include <cstddef>

namespace meridian::quantum {

enum class Target { base, avx2, avx512 };
// The best that this machine has.
Target target();

inline constexpr std::size_t vector_bytes_base = 16, vector_bytes_avx2 = 32, vector_bytes_avx512 = 64;
// Of the best.
std::size_t vector_bytes();

#if defined(__x86_64__)
#define MERIDIAN_FOR_EACH_TARGET(X) \
    X(base, ) X(avx2, [[gnu::target("avx2,fma")]]) X(avx512, [[gnu::target("avx512f,avx512dq,avx512vl,fma")]])
#define MERIDIAN_BEST(name, ...)               \
    switch (target()) {                        \
        case Target::avx512:                   \
            return name##_avx512(__VA_ARGS__); \
        case Target::avx2:                     \
            return name##_avx2(__VA_ARGS__);   \
        case Target::base:                     \
            return name##_base(__VA_ARGS__);   \
    }
#else
#define MERIDIAN_FOR_EACH_TARGET(X) X(base, )
#define MERIDIAN_BEST(name, ...) return name##_base(__VA_ARGS__);
#endif

}  // namespace meridian::quantum
