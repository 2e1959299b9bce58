#include "fleet/process/link.h"

#include <array>

#include "base/log.h"

namespace meridian::fleet {

Task<std::optional<ShimStatus>> ShimLink::next() {
    std::array<char, 2048> piece;
    while (true) {
        if (const auto end = unread_.find('\n'); end != unread_.npos) {
            const auto status = parse_status(std::string_view(unread_).substr(0, end));
            unread_.erase(0, end + 1);
            if (status) co_return *status;
            log::warn("fleet", "a shim said what cannot be read: {}", status.error().said);
            co_return std::nullopt;
        }
        if (unread_.size() > status_line_max) co_return std::nullopt;
        const auto got = co_await stream_->read_some(piece);
        if (!got || *got == 0) co_return std::nullopt;
        unread_.append(piece.data(), *got);
    }
}

Task<> ShimLink::say(std::string line) {
    unsent_ += line + "\n";
    if (is_sending_) co_return;
    is_sending_ = true;
    while (!unsent_.empty()) {
        const auto now = std::exchange(unsent_, {});
        if (const auto sent = co_await stream_->write(now); !sent) break;
    }
    is_sending_ = false;
}

}  // namespace meridian::fleet
