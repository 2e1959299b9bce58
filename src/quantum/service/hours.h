// The hours of sessions that are charged by them, slice by slice from when they are opened; what their jobs compute costs nothing more.
// Bookings are charged by the keeper, as one run each.
#pragma once
#include <optional>
#include <set>
#include <string>

#include "base/async.h"
#include "metering/slices.h"
#include "quantum/service/types.h"

namespace meridian::quantum::service {

class SessionHours {
public:
    SessionHours(metering::Meter& meter, Clock& clock, std::string node) : slices_(meter, clock), node_(std::move(node)) {}

    // Before the session's row is written, where an hour of it costs something. Gives the refusal.
    Task<std::optional<Error>> begin(Session session, std::string platform);
    // Its row is written.
    void count(const SessionId& id) { slices_.count(id.uuid()); }
    void end(const SessionId& id) { slices_.close(id.uuid()); }
    // One that runs.
    Task<metering::Slices::Look> look(Session session, std::string platform);
    // Ends those that do not run any more.
    void keep(const std::set<Uuid>& sessions) { slices_.keep(sessions); }
    void end_all() { slices_.close_all(); }

private:
    [[nodiscard]] metering::Slices::Slice slice_of(const Session& session, const std::string& platform) const;
    metering::Slices slices_;
    std::string node_;
};

}  // namespace meridian::quantum::service
