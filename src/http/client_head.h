// What a request looks like on the wire, and where a redirect leads. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "http/client.h"

namespace meridian::http {

// What stands in `request` that cannot be sent without becoming another request (a line break in a field, a blank in the path).
std::optional<std::string> unsendable(const Target& target, const Outgoing& request);

// The request line and the fields, with Host, Content-Length and Connection as this connection needs them. Replaces `out`.
void write_head(const Target& target, const Outgoing& request, std::string& out);

// Changes `target` and `request` to what the answer's Location asks for. Credentials stay behind when the authority changes; what
// was a local target is not one any more, unless the redirect stays on it. A sentence when the redirect cannot be followed.
std::optional<std::string> follow(int status, std::string_view location, Target& target, Outgoing& request);

[[nodiscard]] bool is_redirect(int status);

}  // namespace meridian::http
