// PostgreSQL's complaints as Errors, by their SQLSTATE.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace meridian::store::postgres {

// `message` is the server's first line; `doing` is the statement. What the server says about values stays out of the log.
Error error_of(std::string_view sqlstate, std::string_view message, std::string_view doing);

}  // namespace meridian::store::postgres
