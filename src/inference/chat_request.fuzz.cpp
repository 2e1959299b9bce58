#include "inference/chat_request.h"

#include <cstdint>
#include <cstdlib>

#include "base/error.h"

// The first byte chooses the operation. What is taken can be sent, as one JSON object under the backend's name; the rest is refused as
// invalid.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian;
    if (size == 0) return 0;
    try {
        const auto asked =
            inference::read_request(static_cast<inference::Operation>(data[0] % 3), {reinterpret_cast<const char*>(data) + 1, size - 1});
        inference::Backend backend;
        backend.model = "inner";
        const auto body = parse_json(inference::body_for(asked, backend));
        const auto* model = body ? text_member(*body, "model") : nullptr;
        if (!model || view(*model) != "inner") std::abort();
    } catch (const Error& e) {
        if (e.fault != Fault::invalid) std::abort();
    }
    return 0;
}
