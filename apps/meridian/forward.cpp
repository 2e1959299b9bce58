#include "forward.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "http/client.h"

namespace meridian::app {
namespace {

// Of one connection (RFC 9110, 7.6.1), or said by each server itself: not passed on.
constexpr std::array hop_by_hop{"connection",     "keep-alive", "proxy-connection", "te",          "transfer-encoding", "upgrade", "host",
                                "content-length", "date",       "server",           "x-request-id"};
constexpr std::size_t body_max = 64 << 20;

bool is_hop_by_hop(std::string_view name) {
    return std::ranges::any_of(hop_by_hop, [name](std::string_view one) {
        return std::ranges::equal(name, one, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    });
}

http::Headers passed_on(const http::Headers& headers) {
    http::Headers out;
    for (const auto& [name, value] : headers)
        if (!is_hop_by_hop(name)) out.add(name, value);
    return out;
}

[[noreturn]] void nobody(std::string logged) {
    throw Error(Fault::unavailable,
                "The process that answers this cannot be reached. Try again in a moment; keys and policies work meanwhile.",
                std::move(logged))
        .after(std::chrono::seconds(5));
}

Task<> forward(http::Exchange& exchange, Clients& clients, std::string to) {
    const auto url = http::parse_url(to);
    if (!url) nobody("no process holds the zone of this installation");
    auto& request = exchange.request();
    if (request.headers.has("Upgrade")) throw Error(Fault::invalid, "This process passes on requests alone. Connect to " + to + " itself.");
    http::Outgoing out;
    out.method = request.method;
    out.path = request.target;
    out.headers = passed_on(request.headers);
    out.body = std::move(request.body);
    const auto cancel = std::make_shared<http::Cancel>();
    exchange.on_hangup([cancel] { cancel->fire(); });
    auto& client = clients.here(co_await asio::this_coro::executor);
    // Known to this process as its own kind: no guard of addresses, which is for those that outsiders name.
    auto target = url->target;
    if (const auto at = Address::parse(target.authority()); at && !target.tls) target.local = at;
    auto answer = co_await client.send(std::move(target), std::move(out), cancel);
    if (!answer) nobody(answer.error().said);
    const int status = (*answer)->status();
    auto headers = passed_on((*answer)->headers());
    if (status == 204 || status == 304) co_return co_await exchange.answer({.status = status, .headers = std::move(headers), .body = {}});
    co_await exchange.begin(status, std::move(headers));
    for (;;) {
        const auto piece = co_await (*answer)->read();
        if (!piece) throw Error(Fault::unavailable, "The answer broke off.", piece.error().said);
        if (piece->empty()) break;
        if (!co_await exchange.write(*piece)) co_return;
    }
    co_await exchange.end();
}

}  // namespace

void add_forwarding(http::Router& router, Clients& clients, std::function<std::string()> to) {
    using http::Dialect;
    constexpr std::pair<std::string_view, Dialect> paths[] = {{"/", Dialect::scaleway},
                                                              {"/{path...}", Dialect::scaleway},
                                                              {"/v1/{path...}", Dialect::openai},
                                                              {"/meridian/{path...}", Dialect::meridian}};
    for (const auto* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        for (const auto& [pattern, dialect] : paths) {
            router.add({.method = method,
                        .pattern = std::string(pattern),
                        .may = http::anyone(),
                        .dialect = dialect,
                        .handler = [&clients, to](http::Exchange& exchange) { return forward(exchange, clients, to()); },
                        .doc = {},
                        .body_max = body_max});
        }
    }
}

}  // namespace meridian::app
