#include "base/version.h"

namespace meridian {

std::string_view version() { return MERIDIAN_VERSION; }

std::string_view build() { return "meridian/" MERIDIAN_VERSION; }

}  // namespace meridian
