// Where a request came from, as records of changes keep it.
#pragma once
#include <string>

#include "http/types.h"

namespace meridian::http {

// Of a request to a route that calls itself so. Only characters that print, and no more than is fit to keep.
Origin origin_of(const Request& request, std::string operation, std::string product);

}  // namespace meridian::http
