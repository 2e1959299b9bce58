// One direction of a connection: bytes that one end writes and the other reads, bounded, perhaps late.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "base/net.h"
#include "base/sim/clock.h"

namespace meridian::sim {

class Pipe : public std::enable_shared_from_this<Pipe> {
public:
    using Done = Stream::Done;
    static constexpr std::size_t capacity = 64 * 1024;  // what was written and not yet read; a writer waits beyond it

    Pipe(Executor executor, SimClock& clock, const Duration& latency) : executor_(std::move(executor)), clock_(clock), latency_(latency) {}

    void read(std::span<char> into, Done done);
    void write(std::span<const std::string_view> parts, Done done);
    void end_writing();  // the reader sees the end behind what was written
    void end_reading();  // the writer's next write fails
    void reset();        // both sides fail at once; what was on its way is lost
    void clear();        // forgets who waits, without a word

private:
    struct Reading {
        std::span<char> into;
        Done done;
    };
    struct Writing {
        std::deque<std::string_view> parts;
        std::size_t written = 0;
        Done done;
    };

    void pump();
    void send();
    bool deliver();
    void arrived(std::string bytes, bool is_end);
    void finish(Done& done, ErrorCode failed, std::size_t bytes);
    // Lets a waiting operation end early when its handler is cancelled.
    void watch(Done& done);

    Executor executor_;
    SimClock& clock_;
    const Duration& latency_;
    std::string buffer_;          // arrived
    std::size_t on_the_way_ = 0;  // sent, not arrived
    Steady last_arrival_{};
    Reading reading_;
    Writing writing_;
    bool writer_gone_ = false, ended_ = false, reader_gone_ = false, is_reset_ = false;
};

}  // namespace meridian::sim
