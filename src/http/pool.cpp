#include "http/pool.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace meridian::http {
namespace {

constexpr std::size_t small_buffer = 4 * 1024;
constexpr std::size_t large_buffer = 16 * 1024;

// The number after "name=" in a list of parameters.
std::optional<std::uint32_t> parameter(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto one = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
        if (!one.starts_with(name) || !one.substr(name.size()).starts_with('=')) continue;
        one.remove_prefix(name.size() + 1);
        std::uint32_t value = 0;
        if (std::from_chars(one.data(), one.data() + one.size(), value).ec == std::errc()) return value;
    }
    return std::nullopt;
}

}  // namespace

std::span<char> ReadBuffer::room() {
    const std::size_t unread = end_ - begin_;
    const std::size_t wanted = was_filled_ ? large_buffer : small_buffer;
    if (capacity_ < wanted) {
        auto larger = std::make_unique_for_overwrite<char[]>(wanted);
        if (unread) std::memcpy(larger.get(), bytes_.get() + begin_, unread);
        bytes_ = std::move(larger);
        capacity_ = wanted;
    } else if (begin_ > 0 && unread > 0) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, unread);
    }
    begin_ = 0;
    end_ = unread;
    return {bytes_.get() + end_, capacity_ - end_};
}

void ReadBuffer::added(std::size_t count) {
    end_ += count;
    was_filled_ = was_filled_ || end_ == capacity_;
}

void Connection::heed_keep_alive(std::string_view value) {
    if (const auto max = parameter(value, "max")) requests_max = std::max<std::size_t>(*max, 1);
    // A second less than announced: the peer counts from when it sent, we from when we read.
    if (const auto timeout = parameter(value, "timeout")) idle_max = std::chrono::seconds(*timeout > 1 ? *timeout - 1 : 0) + Duration(1);
}

std::size_t IdleConnections::Hash::operator()(const Target& target) const noexcept {
    std::size_t seed = std::hash<std::string_view>{}(target.host);
    const auto add = [&](std::size_t value) { seed = (seed ^ value) * 0x9E3779B97F4A7C15ull; };
    add(target.port * 2U + (target.tls ? 1 : 0));
    if (target.local) {
        add(target.local->port);
        add(std::hash<std::string_view>{}(target.local->unix_path));
    }
    return seed;
}

bool IdleConnections::is_old(const Connection& connection, Steady now) const {
    const auto limit = connection.idle_max > Duration::zero() ? std::min(connection.idle_max, idle_time_) : idle_time_;
    return now - connection.idle_since >= limit;
}

std::unique_ptr<Connection> IdleConnections::take(const Target& target, Steady now) {
    const auto found = by_target_.find(target);
    if (found == by_target_.end()) return nullptr;
    auto& all = found->second;
    while (!all.empty()) {
        auto last = std::move(all.back());
        all.pop_back();
        if (is_old(*last, now)) continue;
        return last;
    }
    return nullptr;  // the empty list stays until drop_old: it is about to be filled again
}

void IdleConnections::put(std::unique_ptr<Connection> connection, Steady now) {
    auto& all = by_target_[connection->target];
    if (all.size() >= per_target_) return;
    connection->idle_since = now;
    all.push_back(std::move(connection));
}

void IdleConnections::drop_old(Steady now) {
    for (auto at = by_target_.begin(); at != by_target_.end();) {
        std::erase_if(at->second, [&](const auto& connection) { return is_old(*connection, now); });
        at = at->second.empty() ? by_target_.erase(at) : std::next(at);
    }
}

}  // namespace meridian::http
