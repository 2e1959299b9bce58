// What a request may come to before it is run: which request it is, and how much it may read and write.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "inference/chat_request.h"

namespace meridian::inference {

// The same for requests that are one: neither the order of members nor the way in which the answer is sent counts.
std::string digest_of(const Asked& asked);
std::string canonical_digest(std::string_view what, const JsonObject& value);

// Tokens that the request's text can be at most: no token is less than a byte, and a template adds a few words to each message.
std::int64_t input_at_most(const Asked& asked);

}  // namespace meridian::inference
