#include "control_lease.h"

#include <fmt/format.h>

#include "base/log.h"

namespace meridian::app {
namespace {

constexpr Duration length = std::chrono::seconds(30);
constexpr Duration prolonged_every = std::chrono::seconds(5);

}  // namespace

expected<ControlLease> ControlLease::take(store::Store& store, const std::string& holder) {
    auto lease = store.write_now([&](store::Tx& tx) { return store::take_lease(tx, control_lease, holder, length); });
    if (!lease)
        return complaint(fmt::format("Another Meridian works with the database {}. Stop it first; {} s after it has died it is free.",
                                     store.elsewhere(), std::chrono::duration_cast<std::chrono::seconds>(length).count()));
    store.fence(*lease);
    return ControlLease(store, std::move(*lease));
}

void ControlLease::say_where(const std::string& url) {
    lease_.url = url;
    store_->write_now([this](store::Tx& tx) { store::say_where(tx, lease_); });
}

bool ControlLease::prolong() {
    try {
        store_->write_now([this](store::Tx& tx) { store::prolong_lease(tx, lease_, length); });
    } catch (const Error& e) {
        if (e.fault == Fault::conflict) {
            log::error("control", "another Meridian has taken over the database {}: nothing is written from here any more",
                       store_->elsewhere());
            return false;
        }
        log::warn("control", "the lease of the database was not prolonged: {}", e.logged.empty() ? e.said : e.logged);
    }
    return true;
}

Task<> ControlLease::keep(Clock& clock) {
    for (;;) {
        co_await clock.sleep(prolonged_every);
        if (!co_await on(store_->pool(), [this] { return prolong(); })) co_return;
    }
}

void ControlLease::give_up() {
    try {
        store_->write_now([this](store::Tx& tx) { store::give_up_lease(tx, lease_); });
    } catch (const Error& e) {  // it expires
        log::warn("control", "the lease of the database was not given up: {}", e.logged.empty() ? e.said : e.logged);
    }
}

}  // namespace meridian::app
