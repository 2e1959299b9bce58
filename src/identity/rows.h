// What the rows of this room have in common: a name that is unique in its organization, a limit of how many there may be, and an
// organization outside of which they do not exist.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/state.h"
#include "identity/store.h"
#include "resource/sql_bind.h"

namespace meridian::identity {

// What the store calls a conflict is, for these, the name.
template <class F>
void named(std::string_view what, const std::string& name, F write) {
    try {
        write();
    } catch (const Error& e) {
        if (e.fault != Fault::conflict) throw;
        throw Error(Fault::conflict, fmt::format("There is already a {} named '{}'. Choose another name.", what, name), e.logged)
            .about(std::string(what), name);
    }
}

// Error{quota} where an organization has as many as it may. `what` are they: "users and applications".
inline void check_room(store::Tx& tx, std::string_view table, const OrganizationId& organization, std::int64_t limit, std::string_view what,
                       std::string_view resource) {
    if (count_of(tx, table, organization) >= limit)
        throw Error(Fault::quota, fmt::format("An organization has at most {} {}.", limit, what)).about(std::string(resource), "");
}

// Error{not_found} for a row of another organization than the caller's.
template <class Row, class TypedId>
Row row_of(store::Tx& tx, const Caller& by, std::string_view table, std::string_view what, const TypedId& id) {
    const auto rows = tx.query(select_sql<Row>(table, "where id = $1 and organization_id = $2"), id, by.organization);
    if (rows.empty()) no_such(what, id.str());
    return from_row<Row>(rows.front());
}

}  // namespace meridian::identity
