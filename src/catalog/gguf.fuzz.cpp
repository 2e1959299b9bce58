#include <cstddef>
#include <cstdint>

#include "catalog/service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)meridian::catalog::read_gguf({reinterpret_cast<const char*>(data), size});
    return 0;
}
