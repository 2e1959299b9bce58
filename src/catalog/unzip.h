// One member of a zip archive (a wheel is one), piece by piece.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace meridian::catalog {

// Gives `into` the member's bytes in order. The member must be exactly `bytes` long by its own statement and in fact, so that a
// small archive cannot fill the disk. Exceptions of `into` pass through.
expected<void> unzip(const std::string& archive, const std::string& member, std::uint64_t bytes,
                     const std::function<void(std::string_view)>& into);

}  // namespace meridian::catalog
