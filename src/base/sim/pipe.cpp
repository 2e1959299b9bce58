#include "base/sim/pipe.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <cstring>

#include "base/error.h"

namespace meridian::sim {

void Pipe::finish(Done& done, ErrorCode failed, std::size_t bytes) {
    if (!done) return;
    asio::get_associated_cancellation_slot(done).clear();
    asio::post(executor_, [d = std::exchange(done, nullptr), failed, bytes]() mutable { std::move(d)(failed, bytes); });
}

void Pipe::watch(Done& done) {
    if (auto slot = asio::get_associated_cancellation_slot(done); slot.is_connected())
        slot.assign([weak = weak_from_this(), &done](asio::cancellation_type) {
            if (const auto pipe = weak.lock()) pipe->finish(done, asio::error::operation_aborted, 0);
        });
}

void Pipe::read(std::span<char> into, Done done) {
    MERIDIAN_ASSERT(!reading_.done);
    reading_.into = into;
    reading_.done.swap(done);  // the move assignment of Boost 1.81 calls itself without end
    if (reader_gone_) return finish(reading_.done, asio::error::operation_aborted, 0);
    watch(reading_.done);
    pump();
}

void Pipe::write(std::span<const std::string_view> parts, Done done) {
    MERIDIAN_ASSERT(!writing_.done && parts.size() <= 16);
    writing_.parts.clear();
    writing_.written = 0;
    writing_.done.swap(done);
    for (const auto& part : parts)
        if (!part.empty()) writing_.parts.push_back(part);
    if (writer_gone_) return finish(writing_.done, asio::error::operation_aborted, 0);
    watch(writing_.done);
    pump();
}

void Pipe::pump() {
    do send();
    while (deliver());
}

// Takes from the writer what there is room for.
void Pipe::send() {
    if (!writing_.done) return;
    if (is_reset_) return finish(writing_.done, asio::error::connection_reset, writing_.written);
    if (reader_gone_) return finish(writing_.done, asio::error::broken_pipe, writing_.written);
    std::string taken;
    auto& parts = writing_.parts;
    while (!parts.empty() && buffer_.size() + on_the_way_ + taken.size() < capacity) {
        const auto room = capacity - buffer_.size() - on_the_way_ - taken.size();
        const auto bytes = parts.front().substr(0, room);
        taken += bytes;
        parts.front().remove_prefix(bytes.size());
        if (parts.front().empty()) parts.pop_front();
    }
    writing_.written += taken.size();
    if (!taken.empty()) arrived(std::move(taken), false);
    if (parts.empty()) finish(writing_.done, {}, writing_.written);
}

// Gives the reader what is there. Whether that made room.
bool Pipe::deliver() {
    if (!reading_.done) return false;
    if (is_reset_) return finish(reading_.done, asio::error::connection_reset, 0), false;
    if (reading_.into.empty()) return finish(reading_.done, {}, 0), false;
    if (buffer_.empty()) {
        if (ended_) finish(reading_.done, asio::error::eof, 0);
        return false;
    }
    const auto count = std::min(buffer_.size(), reading_.into.size());
    std::memcpy(reading_.into.data(), buffer_.data(), count);
    buffer_.erase(0, count);
    finish(reading_.done, {}, count);
    return true;
}

// Now, or after the latency; nothing overtakes what was sent before it.
void Pipe::arrived(std::string bytes, bool is_end) {
    if (latency_ <= Duration::zero() && on_the_way_ == 0) {
        buffer_ += bytes;
        ended_ = ended_ || is_end;
        return;
    }
    on_the_way_ += bytes.size();
    last_arrival_ = std::max(last_arrival_, clock_.steady() + latency_);
    clock_.async_sleep(executor_, last_arrival_ - clock_.steady(), [self = shared_from_this(), b = std::move(bytes), is_end](ErrorCode) {
        self->on_the_way_ -= b.size();
        self->buffer_ += b;
        self->ended_ = self->ended_ || is_end;
        self->pump();
    });
}

void Pipe::end_writing() {
    if (std::exchange(writer_gone_, true)) return;
    finish(writing_.done, asio::error::operation_aborted, writing_.written);
    if (!reader_gone_) arrived({}, true);
    pump();
}

void Pipe::end_reading() {
    if (std::exchange(reader_gone_, true)) return;
    finish(reading_.done, asio::error::operation_aborted, 0);
    pump();
}

void Pipe::reset() {
    is_reset_ = true;
    buffer_.clear();
    pump();
}

void Pipe::clear() {
    reading_.done = nullptr;
    writing_.done = nullptr;
}

}  // namespace meridian::sim
