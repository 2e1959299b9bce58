// One process at a time works from the rows of a database that several can reach: it holds a lease, and every write is fenced by it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/async.h"
#include "base/expected.h"
#include "store/leases.h"

namespace meridian::app {

inline constexpr std::string_view control_lease = "control";

class ControlLease {
public:
    // `holder`: of this data directory, the same after a restart.
    static expected<ControlLease> take(store::Store& store, const std::string& holder);
    // Blocking. Other processes pass on to that URL what only the holder can answer.
    void say_where(const std::string& url);
    // Prolongs it until cancelled. What somebody else took is said once; nothing is written any more then.
    Task<> keep(Clock& clock);
    // Blocking. The next one need not wait until it expires.
    void give_up();

private:
    ControlLease(store::Store& store, store::Lease lease) : store_(&store), lease_(std::move(lease)) {}
    bool prolong();

    store::Store* store_;
    store::Lease lease_;
};

}  // namespace meridian::app
