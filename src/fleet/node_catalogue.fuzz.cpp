#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fleet/node_catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian;
    const auto list = parse_json({reinterpret_cast<const char*>(data), size});
    if (!list) return 0;
    const auto types = fleet::read_node_types(*list);
    if (!types) return 0;
    const std::array nodes{fleet::Node{.id = {},
                                       .name = "fuzzed",
                                       .zone = *geography::Zone::parse("fr-par-1"),
                                       .arch = "x86_64",
                                       .cpus = 4,
                                       .memory_bytes = 1ull << 34,
                                       .gpus = {},
                                       .sandbox_layers = {}}};
    // One that this node cannot hold is never offered.
    for (const auto& type : fleet::node_types(nodes, *types))
        if (type.about && type.is_offered() && (type.gpus > 0 || type.vcpus > 4 || type.disabled)) std::abort();
    return 0;
}
