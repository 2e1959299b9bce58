// The head of an answer as text, and what every answer says alike: the date, the server, the request's id.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "base/time.h"
#include "http/types.h"

namespace meridian::http {

// "req_" and 24 hex digits. Takes its randomness in larger portions: one call into the kernel for many requests.
class RequestIds {
public:
    explicit RequestIds(Rng& rng) : rng_(rng) {}
    void next(std::string& out);

private:
    static constexpr std::size_t id_bytes = 12;
    Rng& rng_;
    std::array<std::byte, id_bytes * 32> pool_{};
    std::size_t used_ = sizeof pool_;
};

// "Tue, 24 Nov 2026 02:38:00 GMT", made anew when the second changes.
class HttpDate {
public:
    std::string_view text(Timestamp now);

private:
    std::int64_t second_ = -1;
    std::string text_;
};

struct HeadPlan {
    int status = 200;
    enum class Framing { length, chunked, until_close, none } framing = Framing::length;
    std::uint64_t length = 0;
    bool keep_alive = true;
    bool is_http_1_0 = false;
};

// Replaces `out`. Fields that are ours to say are taken from the plan and left out where a handler gave them; control characters
// in a value become blanks, so that no value can end its line.
void write_head(std::string& out, const HeadPlan& plan, const Headers& headers, std::string_view date, std::string_view request_id);

// The length that a handler announced for a streamed answer.
std::optional<std::uint64_t> announced_length(const Headers& headers);

[[nodiscard]] bool may_have_body(int status);

}  // namespace meridian::http
