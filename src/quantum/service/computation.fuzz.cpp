// Inputs of applications: whatever comes is read or refused with a sentence.
#include <cstdlib>

#include "quantum/service/computation.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::quantum::service;
    Platform platform;
    platform.name = "fuzzed";
    platform.qubits_max = 8;
    platform.facts.circuits_max = 8;
    platform.facts.shots_max = 1000;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    for (const auto* computes : {"vqe", "sweep"}) {
        const auto read = read_computation(computes, input, platform);
        if (!read && read.error().said.empty()) std::abort();
    }
    return 0;
}
