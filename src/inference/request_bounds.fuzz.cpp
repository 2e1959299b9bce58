#include "inference/request_bounds.h"

#include <cstdint>
#include <cstdlib>

#include "base/error.h"

// The first byte chooses the operation. A request that is taken is the same request after it was written and read again, and its bounds
// are none below zero.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian;
    using namespace meridian::inference;
    if (size == 0) return 0;
    const auto operation = static_cast<Operation>(data[0] % 3);
    try {
        const auto asked = read_request(operation, {reinterpret_cast<const char*>(data) + 1, size - 1});
        const auto again = read_request(operation, to_text(Json(asked.body)));
        if (digest_of(asked) != digest_of(again)) std::abort();
        if (asked.output_max.value_or(1) < 1 || asked.choices < 1 || input_at_most(asked) < 1) std::abort();
    } catch (const Error& e) {
        if (e.fault != Fault::invalid) std::abort();
    }
    return 0;
}
