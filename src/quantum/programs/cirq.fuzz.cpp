// Whatever is accepted is a circuit without flaws.
#include <cstdlib>

#include "quantum/programs/cirq.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::quantum;
    const auto circuit = read_cirq({reinterpret_cast<const char*>(data), size}, {.operations = 1u << 14, .steps = 1u << 16});
    if (circuit ? !flaw(*circuit).empty() : circuit.error().said.empty()) std::abort();
    return 0;
}
