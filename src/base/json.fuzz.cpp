// What is read and written again reads as the same.
#include <cstdlib>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto json = meridian::parse_json({reinterpret_cast<const char*>(data), size});
    if (!json) return 0;
    const auto again = meridian::parse_json(meridian::to_text(*json));
    if (!again || *again != *json) std::abort();
    return 0;
}
