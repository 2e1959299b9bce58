// Server-sent events (WHATWG HTML, section 9.2): cuts a byte stream into events, and writes them.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/expected.h"

namespace meridian::http {

// Feeds on pieces of any size. Events come out whole, with their raw bytes, so that a relay can pass them on untouched: the raw
// bytes of all events, in order, are the stream. How the stream was cut into pieces makes no difference to the events.
class SseCutter {
public:
    explicit SseCutter(std::size_t event_max = 4 * 1024 * 1024) : event_max_(event_max) {}
    struct Event {
        std::string_view raw;   // including the blank line that ends it
        std::string_view data;  // the value of its data field(s), joined by '\n'; empty for comments
        std::string_view name;  // the value of its event field; empty when it has none
    };
    // Appends; false when the event that is being read has grown past the limit: give the stream up then.
    [[nodiscard]] bool feed(std::string_view piece);
    // The next whole event, valid until the next call of feed or next.
    [[nodiscard]] bool next(Event& event);
    [[nodiscard]] std::size_t pending() const { return buffer_.size() - start_; }

private:
    struct Range {
        std::size_t at = 0, length = 0;
    };
    [[nodiscard]] bool scan();
    [[nodiscard]] bool skip_prefix();
    void take_line(std::size_t length);
    [[nodiscard]] std::string_view view(Range range) const { return std::string_view(buffer_).substr(start_ + range.at, range.length); }

    std::size_t event_max_;
    std::string buffer_;
    std::size_t start_ = 0;  // of the event being read; the offsets below count from here, so that moving the buffer keeps them
    std::size_t scanned_ = 0, line_ = 0, end_ = 0;
    Range data_, name_;
    std::size_t data_lines_ = 0;
    std::string joined_;
    bool stream_begins_ = true;  // a byte order mark may come
    bool skip_line_feed_ = false;
    bool bare_return_ = false;  // the line before ended with '\r' alone
    bool whole_ = false;        // scanned up to end_
};

// "data: {...}\n\n"; a line break in `data` becomes a second data line.
std::string sse_event(std::string_view data, std::string_view event = {});
std::string sse_comment(std::string_view text);

}  // namespace meridian::http
