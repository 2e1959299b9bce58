// A WebSocket on a server's connection. A handler gets one from Exchange::upgrade and uses it while it runs.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/async.h"
#include "base/net.h"
#include "http/types.h"

namespace meridian::http {

class WebSocket {
public:
    enum class Kind { text, binary };
    struct Message {
        Kind kind = Kind::text;
        std::string data;
    };
    static constexpr std::uint16_t normal_close = 1000, policy_close = 1008, failed_close = 1011;

    virtual ~WebSocket() = default;
    // The next message, put together from its fragments; nothing when the other side has gone or said goodbye. Pings are answered
    // meanwhile. One read and one write may be under way at a time.
    virtual Task<std::optional<Message>> read() = 0;
    // False when the other side has gone.
    virtual Task<bool> write(Kind kind, std::string_view data) = 0;
    virtual Task<> close(std::uint16_t code, std::string reason) = 0;
};

[[nodiscard]] bool asks_for_websocket(const Request& request);

// Told before and after every wait for the other side to take bytes, so that whoever owns the connection can end one that takes none.
enum class Slow { may_be, is_not };
using SlowWatch = std::function<void(Slow)>;

// Answers the upgrade in `request` and speaks WebSocket on `stream`, which must outlive the result. `early` was read already.
// Null when the client went away; throws Error{invalid} for a request that is no proper upgrade.
Task<std::unique_ptr<WebSocket>> accept_websocket(Stream& stream, std::string early, const Request& request, std::size_t message_max,
                                                  SlowWatch watch);

}  // namespace meridian::http
