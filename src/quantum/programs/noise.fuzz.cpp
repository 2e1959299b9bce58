// Whatever is accepted consists of circuits without flaws whose chances add up to 1.
#include <cmath>
#include <cstdlib>

#include "quantum/programs/noise.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::quantum;
    const auto model = read_noise_model({reinterpret_cast<const char*>(data), size});
    if (!model) return model.error().said.empty() ? (std::abort(), 0) : 0;
    for (const GateError& error : model->gate_errors) {
        double sum = 0;
        for (const ErrorBranch& branch : error.branches) {
            sum += branch.probability;
            if (!flaw(branch.circuit).empty()) std::abort();
        }
        if (!(std::abs(sum - 1) < 1e-3)) std::abort();
    }
    return 0;
}
