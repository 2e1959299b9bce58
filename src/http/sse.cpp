#include "http/sse.h"

#include <algorithm>

namespace meridian::http {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// A stream that once carried a large event does not keep its memory.
constexpr std::size_t kept_capacity = 16 * 1024;

// Calls `each` with the lines of `text`, whatever ends them; "" is one empty line.
template <class F>
void for_lines(std::string_view text, F each) {
    for (;;) {
        const auto stop = text.find_first_of("\r\n");
        each(text.substr(0, stop));
        if (stop == std::string_view::npos) return;
        text.remove_prefix(stop + (text.substr(stop).starts_with("\r\n") ? 2 : 1));
    }
}

}  // namespace

bool SseCutter::feed(std::string_view piece) {
    if (start_ == buffer_.size()) {
        buffer_.clear();
        start_ = 0;
        if (buffer_.capacity() > kept_capacity) buffer_.shrink_to_fit();
    } else if (start_ > buffer_.size() / 2) {  // moving less than was consumed keeps the whole linear
        buffer_.erase(0, start_);
        start_ = 0;
    }
    if (joined_.capacity() > kept_capacity && data_lines_ < 2) joined_ = {};
    buffer_ += piece;
    return (scan() ? end_ : pending()) <= event_max_;
}

bool SseCutter::next(Event& event) {
    if (!scan()) return false;
    event = {view({0, end_}), data_lines_ > 1 ? std::string_view(joined_) : view(data_), view(name_)};
    start_ += end_;
    scanned_ = line_ = end_ = data_lines_ = 0;
    data_ = name_ = {};
    bare_return_ = whole_ = false;
    return true;
}

// What may stand before the first line of an event without being a part of it. False when more bytes are needed to tell.
bool SseCutter::skip_prefix() {
    const auto rest = view({0, pending()});
    if (rest.empty()) return false;
    if (skip_line_feed_) {
        skip_line_feed_ = false;
        if (rest.front() == '\n') line_ = scanned_ = 1;
    }
    if (stream_begins_) {
        if (rest.size() < byte_order_mark.size() && byte_order_mark.starts_with(rest)) return false;
        stream_begins_ = false;
        if (rest.starts_with(byte_order_mark)) line_ = scanned_ = byte_order_mark.size();
    }
    return true;
}

// Looks at each byte once. A '\r' at the end of what is there may be half of a "\r\n", so it waits for the next byte; but where
// lines end with '\r' alone, the blank line ends the event at once (it could wait forever), and a '\n' that still comes is skipped.
bool SseCutter::scan() {
    if (whole_) return true;
    if (scanned_ == 0 && !skip_prefix()) return false;
    const auto rest = view({0, pending()});
    while (scanned_ < rest.size()) {
        const char c = rest[scanned_];
        if (c != '\n' && c != '\r') {
            ++scanned_;
            continue;
        }
        const bool blank = scanned_ == line_;
        std::size_t stop = scanned_ + 1;
        if (c == '\r' && blank && bare_return_) {
            skip_line_feed_ = true;
        } else if (c == '\r') {
            if (stop == rest.size()) return false;
            if (rest[stop] == '\n') ++stop;
            bare_return_ = stop == scanned_ + 1;
        } else {
            bare_return_ = false;
        }
        if (!blank) take_line(scanned_ - line_);
        line_ = scanned_ = stop;
        if (blank) {
            end_ = stop;
            return whole_ = true;
        }
    }
    return false;
}

void SseCutter::take_line(std::size_t length) {
    const auto line = view({line_, length});
    const auto colon = std::min(line.find(':'), line.size());
    const auto field = line.substr(0, colon);
    if (field != "data" && field != "event") return;
    auto value = colon == line.size() ? colon : colon + 1;
    if (value < line.size() && line[value] == ' ') ++value;
    const Range range{line_ + value, line.size() - value};
    if (field == "event") {
        name_ = range;
        return;
    }
    if (++data_lines_ == 1) {
        data_ = range;
        return;
    }
    if (data_lines_ == 2) joined_ = view(data_);
    joined_ += '\n';
    joined_ += view(range);
}

std::string sse_event(std::string_view data, std::string_view event) {
    std::string out;
    out.reserve(data.size() + event.size() + 24);
    if (!event.empty()) {
        out += "event: ";
        out += event.substr(0, event.find_first_of("\r\n"));  // a field is one line
        out += '\n';
    }
    for_lines(data, [&](std::string_view line) {
        out += "data: ";
        out += line;
        out += '\n';
    });
    out += '\n';
    return out;
}

std::string sse_comment(std::string_view text) {
    std::string out;
    for_lines(text, [&](std::string_view line) {
        out += ": ";
        out += line;
        out += '\n';
    });
    out += '\n';
    return out;
}

}  // namespace meridian::http
