// Whatever is accepted is a circuit without flaws; every complaint has its place inside of the text.
#include <cstdlib>

#include "quantum/programs/openqasm.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::quantum;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto circuit =
        read_openqasm(text, {.operations = 1u << 14, .steps = 1u << 16}, text.contains("input") ? Inputs{{"t", 0.5}, {"n", 3}} : Inputs{});
    if (circuit ? !flaw(*circuit).empty() || circuit->ops.size() > 1u << 14 : circuit.error().at > size || circuit.error().said.empty())
        std::abort();
    if (!circuit) static_cast<void>(said_with_place(circuit.error(), text));
    return 0;
}
