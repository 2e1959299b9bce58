#include <cstdint>

#include "base/error.h"
#include "fleet/process/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian::fleet;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_command(text);
    if (const auto spec = parse_spec(text)) MERIDIAN_ASSERT(parse_spec(to_text(*spec)) == *spec);
    if (const auto status = parse_status(text)) MERIDIAN_ASSERT(parse_status(to_text(*status)) == *status);
    return 0;
}
