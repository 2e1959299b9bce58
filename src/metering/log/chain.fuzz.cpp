// A file of a log's keys from anybody, and a leaf that changes them.
#include "metering/log/chain.h"
#include "metering/log/succession.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)meridian::metering::check_chain(text, {});
    (void)meridian::metering::read_succession(text);
    return 0;
}
