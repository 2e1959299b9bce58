#include <cstddef>
#include <cstdint>

#include "marketplace/applications.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto file = meridian::parse_json({reinterpret_cast<const char*>(data), size}))
        (void)meridian::marketplace::read_applications(*file);
    return 0;
}
