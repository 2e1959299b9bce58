#include "store/postgres/errors.h"

#include <fmt/format.h>

namespace meridian::store::postgres {
namespace {

struct Known {
    std::string_view sqlstate;  // or its first two letters, a class
    Fault fault;
    std::string_view said;
};

// The first that fits. The class 40 and what is cancelled are told to the caller: a write runs at most once, so nothing is repeated here.
constexpr Known known[] = {
    {"23505", Fault::conflict, "There is already one with this name or identifier."},
    {"23503", Fault::conflict, "Something that this refers to is not there, or something still refers to it."},
    {"53100", Fault::unavailable, "The database's disk is full, so nothing was saved. Free some space and try again."},
    {"53", Fault::unavailable, "The database has no resources left, so nothing was done. Try again in a moment."},
    {"57P", Fault::unavailable, "The database is stopping or starting, so nothing was done. Try again in a moment."},
    {"57014", Fault::unavailable, "The database took too long and was interrupted, so nothing was done. Try again in a moment."},
    {"58", Fault::unavailable, "The database reported an error of its disk, so nothing was saved. Look at its log, then try again."},
    {"XX", Fault::unavailable, "The database reported damage or a fault of its own, so nothing was saved. Look at its log."},
    {"25006", Fault::unavailable, "The database is read-only, so nothing was saved. Name the primary server."},
    {"25P03", Fault::unavailable, "The change took too long, so nothing was saved. Try again."},
    {"55P03", Fault::busy, "The database is busy. Try again in a moment."},
    {"40", Fault::busy, "The database is busy. Try again in a moment."},
    {"42501", Fault::unavailable, "The database's user may not do this, so nothing was done. Give it the rights of the database's owner."},
    {"28", Fault::unavailable, "The database refuses the user or the password. Look at the URL of the database."},
    {"22021", Fault::invalid, "A text with a zero byte or with letters that are no UTF-8 cannot be stored."},
    {"54", Fault::too_large, "A value is too large to be stored."},
};

}  // namespace

Error error_of(std::string_view sqlstate, std::string_view message, std::string_view doing) {
    // Class 22 is about values, and its messages quote them.
    std::string logged = fmt::format("PostgreSQL {} ({}): {}", sqlstate, sqlstate.starts_with("22") ? "a value" : message, doing);
    for (const auto& one : known)
        if (sqlstate.starts_with(one.sqlstate)) return Error(one.fault, std::string(one.said), std::move(logged));
    return Error(Fault::bug, "The database refused a statement of ours.", std::move(logged));
}

}  // namespace meridian::store::postgres
