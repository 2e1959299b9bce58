// The forms in which APIs speak of errors: one file a dialect (dialect_scaleway.cpp ...), chosen by the route.
#pragma once
#include <string_view>

#include "base/error.h"
#include "http/types.h"

namespace meridian::http {

enum class Dialect { meridian, scaleway, openai, mistral, hugging_face };

// Status, headers and body for `error` as clients of that dialect need them (reference: each client's exception classes).
// `meridian` is RFC 9457 problem+json. Retry-After and x-should-retry follow from the fault. A bug shows no detail.
Response render(Dialect dialect, const Error& error, std::string_view request_id);

}  // namespace meridian::http
