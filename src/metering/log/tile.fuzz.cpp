// A tile's path from anybody.
#include "metering/log/tile.h"

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view path(reinterpret_cast<const char*>(data), size);
    if (const auto tile = meridian::metering::Tile::parse(path)) {
        MERIDIAN_ASSERT(tile->path() == path);
        (void)meridian::metering::has_tile(~std::uint64_t{0}, *tile);
    }
    return 0;
}
