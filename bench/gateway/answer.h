// Reads one HTTP/1.1 answer as it comes in, and counts the server-sent events in its body.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire.h"

namespace bench {

// Looks only at how each line begins: that is all a count needs, and the generator must stay cheaper than what it measures.
class EventCounter {
public:
    int events = 0;
    bool done = false, error = false;

    // True when the piece ended at least one event line.
    bool take(std::string_view piece) {
        const int before = events;
        const bool was_done = done;
        while (!piece.empty()) {
            const auto line_end = piece.find('\n');
            const auto part = piece.substr(0, line_end);
            if (beginning_.size() < kept) beginning_.append(part.substr(0, kept - beginning_.size()));
            if (line_end == std::string_view::npos) break;
            count_line();
            piece.remove_prefix(line_end + 1);
        }
        return events != before || done != was_done;
    }

private:
    static constexpr std::size_t kept = 16;
    void count_line() {
        const std::string_view line = beginning_;
        if (line.starts_with("data: [DONE]")) {
            done = true;
        } else if (line.starts_with("data: {\"error\"")) {
            error = true;
        } else if (line.starts_with("data:")) {
            ++events;
        }
        beginning_.clear();
    }
    std::string beginning_;
};

class AnswerReader {
public:
    int status = 0;
    std::string head;
    EventCounter body;
    bool saw_event = false;  // in the last piece

    bool whole() const { return state_ == State::whole; }
    // For an answer without a length the end of the connection is its end.
    bool ends_with_connection() const { return state_ == State::until_close; }

    void take(std::string_view piece) {
        saw_event = false;
        while (!piece.empty() && state_ != State::whole) step(piece);
    }

private:
    enum class State { head, sized, until_close, chunk_size, chunk, chunk_end, trailer, whole };

    void step(std::string_view& piece) {
        switch (state_) {
            case State::head:
                if (line(piece)) end_head_line();
                return;
            case State::sized:
                if (take_body(piece)) state_ = State::whole;
                return;
            case State::until_close:
                saw_event |= body.take(piece);
                piece = {};
                return;
            case State::chunk_size:
                if (!line(piece)) return;
                left_ = std::strtoul(line_.c_str(), nullptr, 16);
                state_ = left_ > 0 ? State::chunk : State::trailer;
                line_.clear();
                return;
            case State::chunk:
                if (take_body(piece)) state_ = State::chunk_end;
                return;
            case State::chunk_end:
                if (!line(piece)) return;
                state_ = State::chunk_size;
                line_.clear();
                return;
            case State::trailer:
                if (!line(piece)) return;
                if (line_ == "\r\n") state_ = State::whole;
                line_.clear();
                return;
            case State::whole:
                return;
        }
    }

    // Moves bytes up to and with the next line feed into line_; true when the line is complete.
    bool line(std::string_view& piece) {
        const auto end = piece.find('\n');
        const auto n = end == std::string_view::npos ? piece.size() : end + 1;
        line_.append(piece.substr(0, n));
        piece.remove_prefix(n);
        return end != std::string_view::npos;
    }

    bool take_body(std::string_view& piece) {
        const auto n = std::min(left_, piece.size());
        saw_event |= body.take(piece.substr(0, n));
        piece.remove_prefix(n);
        left_ -= n;
        return left_ == 0;
    }

    void end_head_line() {
        head += line_;
        const bool last = line_ == "\r\n";
        line_.clear();
        if (!last) return;
        status = head.size() > 12 ? std::atoi(head.c_str() + 9) : 0;
        if (status / 100 == 1) {
            head.clear();  // an interim answer; the real one follows
            return;
        }
        const auto length = header(head, "content-length:");
        if (header(head, "transfer-encoding:").starts_with("chunked")) {
            state_ = State::chunk_size;
        } else if (length.data() != nullptr) {
            left_ = std::strtoul(std::string(length).c_str(), nullptr, 10);
            state_ = left_ > 0 ? State::sized : State::whole;
        } else {
            state_ = State::until_close;
        }
    }

    State state_ = State::head;
    std::string line_;
    std::size_t left_ = 0;
};

}  // namespace bench
