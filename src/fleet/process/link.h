// One connection to a shim, as its holder.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/async.h"
#include "base/net.h"
#include "fleet/process/spec.h"

namespace meridian::fleet {

class ShimLink {
public:
    ShimLink(std::unique_ptr<Stream> stream, Executor executor) : answered(std::move(executor)), stream_(std::move(stream)) {}
    // The next state it tells; nothing at the end of the connection or when it speaks nonsense.
    Task<std::optional<ShimStatus>> next();
    // Lines go out in the order of these calls. Nothing is said when the other side has gone: next() sees it.
    Task<> say(std::string line);
    void close() { stream_->close(); }

    Event answered;  // the first answer has come

private:
    std::unique_ptr<Stream> stream_;
    std::string unread_, unsent_;
    bool is_sending_ = false;
};

}  // namespace meridian::fleet
