// A file of receipts from anybody.
#include "metering/log/bundle.h"

#include "base/sim/world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static meridian::sim::World world(1);
    if (!world.disk().replace_file("/file", {reinterpret_cast<const char*>(data), size})) return 0;
    (void)meridian::metering::is_bundle(world.disk(), "/file");
    (void)meridian::metering::verify_bundle(world.disk(), "/file", {}, {});
    return 0;
}
