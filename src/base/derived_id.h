// Identifiers that follow from what they name: the same bytes give the same one.
#pragma once
#include <string_view>

#include "base/id.h"

namespace meridian {

// A UUID of version 8 (RFC 9562), ours to define: the first bytes of the SHA-256.
Uuid derived_uuid(std::string_view bytes);

}  // namespace meridian
