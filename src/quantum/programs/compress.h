// zlib streams (RFC 1950) with a bound on what comes out.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace meridian::quantum {

// Refuses what would be longer than `bytes_max` before it has been unpacked, streams that end early, and bytes after the end.
expected<std::string> unzip(std::string_view bytes, std::size_t bytes_max);
std::string zip(std::string_view bytes);

}  // namespace meridian::quantum
