#include <cstddef>
#include <cstdint>

#include "resource/json_bind.h"
#include "resource/sample.test.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian;
    const auto json = parse_json({reinterpret_cast<const char*>(data), size});
    if (!json) return 0;
    try {
        sample::Thing thing = from_json<sample::Thing>(*json);
        merge_json(thing, *json);
        // What was read can be written and read again, and is the same.
        const auto again = from_json<sample::Thing>(to_json(thing));
        MERIDIAN_ASSERT(to_text(to_json(again)) == to_text(to_json(thing)));
    } catch (const Error& error) {
        MERIDIAN_ASSERT(error.fault == Fault::invalid && !error.fields.empty());
    }
    return 0;
}
