// A request to a witness from anybody.
#include "metering/log/witness.h"

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    if (const auto request = meridian::metering::WitnessRequest::parse(body)) MERIDIAN_ASSERT(request->str() == body);
    return 0;
}
