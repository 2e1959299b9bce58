#include "secrets/sweep.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "secrets/sealing.h"

namespace meridian::secrets {
namespace {

constexpr int batch = 100;                                // rows of a kind in one write
constexpr Duration look_again = std::chrono::minutes(5);  // the feed wakes; this is for wall clocks that are set
constexpr Duration after_trouble = std::chrono::seconds(10), least = std::chrono::milliseconds(10);

// By the clock of the policy, not by when it is done: what was missed is not made up for.
Timestamp next_rotation(const Key& key, Timestamp now) {
    const auto period = std::chrono::floor<std::chrono::microseconds>(*key.rotation_period);
    const auto missed = (now - *key.next_rotation_at) / period;
    return *key.next_rotation_at + period * (missed + 1);
}

// True when a kind may have more.
bool do_due(store::Tx& tx, const Ground& ground) {
    const auto now = ground.clock.now();
    const auto asked_until = now - std::chrono::floor<std::chrono::microseconds>(limits::retention);
    std::size_t most = 0;
    const auto each = [&](auto due, auto end) {
        for (auto& one : due) end(one);
        most = std::max(most, due.size());
    };
    each(rows::secrets_to_purge(tx, asked_until, batch), [&](const Secret& secret) { rows::remove(tx, secret); });
    each(rows::versions_to_purge(tx, asked_until, batch), [&](SecretVersion& version) { rows::forget(tx, version, now); });
    each(rows::versions_expired(tx, now, batch), [&](SecretVersion& version) { expire(tx, version, now); });
    each(rows::keys_to_purge(tx, asked_until, batch), [&](const Key& key) { rows::remove(tx, key); });
    each(rows::keys_to_rotate(tx, now, batch), [&](Key& key) {
        if (key.newest >= limits::rotations) {
            key.rotation_period.reset();
            key.next_rotation_at.reset();
            return rows::update(tx, key);
        }
        key.next_rotation_at = next_rotation(key, now);
        rows::add_rotation(tx, key, seal_material(ground, key.id, key.newest + 1, random_key(ground.rng).view()), false, now);
    });
    return most == batch;
}

}  // namespace

Sweep::Sweep(Ground ground, Executor executor) : ground_(std::move(ground)), wake_(std::move(executor)) {}

Task<std::optional<Timestamp>> Sweep::pass() {
    auto due = co_await ground_.store.read([](store::Tx& tx) { return rows::next_due(tx); });
    bool is_more = due && *due <= ground_.clock.now();
    while (is_more) is_more = co_await ground_.store.write([this](store::Tx& tx) { return do_due(tx, ground_); });
    co_return co_await ground_.store.read([](store::Tx& tx) { return rows::next_due(tx); });
}

Task<> Sweep::run() {
    const auto home = co_await asio::this_coro::executor;
    listening_ = ground_.store.feed().listen(home, {"secrets", "customer_keys"}, [this](store::Revision) { wake_.notify(); });
    for (;;) {
        auto wait = look_again;
        try {
            if (const auto next = co_await pass()) wait = std::clamp<Duration>(*next - ground_.clock.now(), least, look_again);
        } catch (const Error& error) {
            log::error("secrets", "what is due cannot be done now: {} {}", error.said, error.logged);
            wait = after_trouble;
        }
        co_await wake_.wait(ground_.clock, wait);
    }
}

}  // namespace meridian::secrets
