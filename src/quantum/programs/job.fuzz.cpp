// The envelope of a job, its parameters, and the answer to whatever is accepted.
#include <cstdlib>

#include "quantum/programs/results.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::quantum;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parameters = read_parameters(text);
    const auto job = read_job(text, {.operations = 1u << 14, .steps = 1u << 16});
    if (!job) return job.error().said.empty() ? (std::abort(), 0) : 0;
    std::vector<CircuitResult> results;
    for (const Circuit& circuit : job->circuits) {
        if (!flaw(circuit).empty()) std::abort();
        results.push_back({.shots = 1, .counts = {{ShotBits((circuit.bits + 63) / 64), 1}}, .memory = {}});
    }
    static_cast<void>(write_results(*job, parameters.value_or(JobParameters{.shots = 1}), results, {"aer", "1", "id", "now"}));
    return 0;
}
