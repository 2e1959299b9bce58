#include "store/leases.h"

#include <fmt/format.h>

namespace meridian::store {

std::optional<Lease> lease_named(Tx& tx, std::string_view name) {
    const auto rows = tx.query("select holder, fence, expires_at, url from leases where name = $1", name);
    if (rows.empty()) return std::nullopt;
    return Lease{std::string(name), rows.front().get<std::string>("holder"), rows.front().get<std::int64_t>("fence"),
                 rows.front().get<Timestamp>("expires_at"), rows.front().get<std::string>("url")};
}

std::optional<Lease> take_lease(Tx& tx, std::string_view name, std::string_view holder, Duration length) {
    const auto now = tx.now();
    const auto before = lease_named(tx, name);
    if (before && before->holder != holder && before->expires_at > now) return std::nullopt;
    const Lease mine{std::string(name), std::string(holder), before ? before->fence + 1 : 1,
                     now + std::chrono::duration_cast<std::chrono::microseconds>(length)};
    tx.run(
        "insert into leases (name, holder, fence, expires_at) values ($1, $2, $3, $4) on conflict (name) do update set "
        "holder = excluded.holder, fence = excluded.fence, expires_at = excluded.expires_at, url = ''",
        mine.name, mine.holder, mine.fence, mine.expires_at);
    return mine;
}

bool prolong_lease(Tx& tx, Lease& lease, Duration length) {
    const auto until = tx.now() + std::chrono::duration_cast<std::chrono::microseconds>(length);
    if (tx.run("update leases set expires_at = $3 where name = $1 and fence = $2", lease.name, lease.fence, until) == 0) return false;
    lease.expires_at = until;
    return true;
}

void say_where(Tx& tx, const Lease& lease) {
    tx.run("update leases set url = $3 where name = $1 and fence = $2", lease.name, lease.fence, lease.url);
    tx.changed("leases", lease.name);
}

void give_up_lease(Tx& tx, const Lease& lease) {
    // The row stays, and its fence with it.
    tx.run("update leases set expires_at = 0 where name = $1 and fence = $2", lease.name, lease.fence);
}

void hold_to(Tx& tx, const Lease& lease) {
    const auto now = lease_named(tx, lease.name);
    if (!now || now->fence != lease.fence)
        throw Error(Fault::conflict, "Another process has taken over, so nothing was saved.",
                    fmt::format("the lease '{}' had the fence {}", lease.name, lease.fence));
}

}  // namespace meridian::store
