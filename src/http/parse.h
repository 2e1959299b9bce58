// HTTP/1.1 messages from bytes: pure and incremental, no sockets. One object serves all messages of a connection in turn.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "http/types.h"

namespace meridian::http {

enum class ParseTrouble { none, malformed, head_too_large, body_too_large };

struct ParseLimits {
    std::size_t head_bytes = 32 * 1024;
    std::size_t head_fields = 128;
};

// Stricter than RFC 9112 asks: whatever two readers could understand in two ways (both Content-Length and Transfer-Encoding,
// repeated lengths, folded fields, other codings than chunked, several hosts, dot segments) is refused.
class RequestParser {
public:
    explicit RequestParser(ParseLimits limits = {});
    ~RequestParser();
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;

    // Takes bytes of this message and says how many. Stops after the head, so that the body can be limited by what the head
    // asks for, and after the end; what it did not take belongs to whatever comes next. Not to be called when done.
    expected<std::size_t> feed(std::string_view bytes);
    // Once, after the head: a complaint when the body is already known to be longer.
    expected<void> limit_body(std::size_t body_max);
    // After the head: the body is read over and thrown away.
    void discard_body();

    [[nodiscard]] bool started() const;
    [[nodiscard]] bool head_done() const;
    [[nodiscard]] bool done() const;
    [[nodiscard]] ParseTrouble trouble() const;  // what the last complaint was about
    // These after the head.
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] bool is_http_1_0() const;
    [[nodiscard]] bool expects_continue() const;
    [[nodiscard]] std::optional<std::uint64_t> content_length() const;  // nothing for a chunked body
    [[nodiscard]] Request& request();

    void reset();  // ready for the next message; `request()` is empty again

private:
    struct State;
    std::unique_ptr<State> state_;
};

class ResponseParser {
public:
    explicit ResponseParser(ParseLimits limits = {});
    ~ResponseParser();
    ResponseParser(ResponseParser&&) noexcept;
    ResponseParser& operator=(ResponseParser&&) noexcept;

    // Takes what belongs to this answer and says how many bytes that were. Interim answers (1xx save 101) are read over.
    expected<std::size_t> feed(std::string_view bytes);
    // The stream has ended: the end of an answer without a length, a complaint inside of any other.
    expected<void> finish_at_eof();

    [[nodiscard]] bool started() const;
    [[nodiscard]] bool head_done() const;
    [[nodiscard]] bool done() const;
    [[nodiscard]] ParseTrouble trouble() const;
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] int status() const;
    [[nodiscard]] Headers& headers();
    [[nodiscard]] const Headers& headers() const;
    [[nodiscard]] std::optional<std::uint64_t> content_length() const;

    // What was decoded of the body and not dropped yet: one copy from the read buffer, and no allocation in the long run.
    [[nodiscard]] std::string_view body() const;
    void drop_body();

    enum class Body { expected, absent };  // absent: the answer to a HEAD
    void reset(Body body = Body::expected);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Fills path and query from `target` (origin or absolute form).
expected<void> read_target(Request& request);

}  // namespace meridian::http
