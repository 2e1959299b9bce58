#include "inference/access.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace meridian::inference;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto network = parse_network(text)) {
        if (parse_network(network->str()) != network) __builtin_trap();
        (void)allowed(text, {*network});
    }
    return 0;
}
