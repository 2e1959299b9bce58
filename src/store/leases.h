// Who acts alone among several processes on one database: a lease that ends by the database's clock, with a fence that only grows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"

namespace meridian::store {

struct Lease {
    std::string name, holder;
    std::int64_t fence = 0;  // of this taking; every later one has a higher
    Timestamp expires_at;
    std::string url = {};  // where the holder answers; "": it does not say
};

// In a write. Nothing while another holder has it; the same holder takes it anew, from the one that it was before.
std::optional<Lease> take_lease(Tx& tx, std::string_view name, std::string_view holder, Duration length);
// False when somebody took it since. One that has expired and that nobody took is prolonged, too.
bool prolong_lease(Tx& tx, Lease& lease, Duration length);
void say_where(Tx& tx, const Lease& lease);
void give_up_lease(Tx& tx, const Lease& lease);
// What was written last under this name, expired or not.
std::optional<Lease> lease_named(Tx& tx, std::string_view name);

// First of all in a write that only the holder may do: throws Error{conflict} when somebody took the lease since. As writes run one after
// the other, whoever was overtaken writes nothing any more, however late it wakes.
void hold_to(Tx& tx, const Lease& lease);

}  // namespace meridian::store
