#include <cstddef>
#include <cstdint>

#include "catalog/platforms.h"
#include "catalog/service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)meridian::catalog::parse_models_yaml({reinterpret_cast<const char*>(data), size});
    (void)meridian::catalog::parse_platforms_yaml({reinterpret_cast<const char*>(data), size});
    (void)meridian::catalog::parse_applications_yaml({reinterpret_cast<const char*>(data), size});
    (void)meridian::catalog::json_of_yaml({reinterpret_cast<const char*>(data), size});
    return 0;
}
