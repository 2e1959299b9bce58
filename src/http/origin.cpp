#include "http/origin.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace meridian::http {
namespace {

constexpr std::size_t user_agent_max = 200;  // what is kept of one

// Its printable characters: a record is no place for others.
std::string words_of(std::string_view user_agent) {
    std::string made(user_agent.substr(0, user_agent_max));
    std::ranges::replace_if(made, [](char c) { return c < ' ' || c > '~'; }, '?');
    return made;
}

// "127.0.0.1:4711" and "[::1]:4711" without the port.
std::string host_of(std::string_view peer) {
    const auto colon = peer.rfind(':');
    auto host = peer.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return std::string(host);
}

}  // namespace

Origin origin_of(const Request& request, std::string operation, std::string product) {
    return {.operation = std::move(operation),
            .product = std::move(product),
            .address = host_of(request.peer),
            .user_agent = words_of(request.headers.get("User-Agent")),
            .request_id = request.id};
}

}  // namespace meridian::http
