// Signed links: content that can be fetched without a key, for a while, by whoever has the link.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "keys/keys.h"

namespace meridian::quantum::service {

class Links {
public:
    Links(const keys::SealingKey& key, Clock& clock) : key_(key), clock_(clock) {}
    // "EXPIRES.MARK" to stand behind the path: until when (unix seconds), and the HMAC over path and time.
    [[nodiscard]] std::string sign(std::string_view path) const;
    // Whether `token` was made for this path and has not expired.
    [[nodiscard]] bool is_good(std::string_view path, std::string_view token) const;

private:
    [[nodiscard]] std::string mark(std::string_view path, std::int64_t expires) const;
    const keys::SealingKey& key_;
    Clock& clock_;
};

}  // namespace meridian::quantum::service
