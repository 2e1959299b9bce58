#include "quantum/engines/statevector/vector.h"

namespace meridian::quantum {

Target target() {
#if defined(__x86_64__)
    static const Target best = [] {
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            return Target::avx512;
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Target::avx2 : Target::base;
    }();
    return best;
#else
    return Target::base;
#endif
}

std::size_t vector_bytes() {
    switch (target()) {
        case Target::avx512:
            return vector_bytes_avx512;
        case Target::avx2:
            return vector_bytes_avx2;
        case Target::base:
            return vector_bytes_base;
    }
    return vector_bytes_base;
}

}  // namespace meridian::quantum
