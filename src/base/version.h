// Which release this program is.
#pragma once
#include <string_view>

namespace meridian {

std::string_view version();  // "0.2.0"
std::string_view build();    // "meridian/0.2.0", as receipts name it

}  // namespace meridian
