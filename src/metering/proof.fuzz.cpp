// A receipt file from anybody.
#include "metering/service.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    (void)meridian::metering::Meter::verify_file({reinterpret_cast<const char*>(data), size}, "");
    return 0;
}
