// Calls that are denied to somebody known, for whoever keeps a record of them.
#pragma once
#include <memory>
#include <utility>

#include "base/error.h"
#include "http/route.h"

namespace meridian::http {

// How an authorizer denies a call to somebody whom it knows.
struct Refused final : Error {
    Refused(Error error, std::shared_ptr<const Principal> by) : Error(std::move(error)), caller(std::move(by)) {}
    std::shared_ptr<const Principal> caller;
};

// An authorizer that is one of these too is told by its router, before the answer, of every call that was denied to somebody known: by
// an authorizer that says so, or by a handler. On the call's loop, and so it waits for nothing.
class DenialRecord {
public:
    virtual ~DenialRecord() = default;
    virtual void denied(const Principal& caller, const Request& request, const Route& route) = 0;
};

}  // namespace meridian::http
