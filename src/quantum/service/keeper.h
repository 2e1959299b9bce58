// Keeps sessions: begins those that were booked, ends those whose time is over, and clears away what was deleted or ended long ago, with
// everything it has. Charges bookings that are over. Receipts are the ledger's, and stay.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/async.h"
#include "metering/service.h"
#include "quantum/service/computer.h"
#include "quantum/service/service.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::quantum::service {

class Keeper {
public:
    Keeper(store::Store& store, store::ContentStore& content, Pool& files, metering::Meter& meter, Computer& computer, Quantum& quantum,
           std::string node, Clock& clock, Rng& rng)
        : store_(store),
          content_(content),
          files_(files),
          meter_(meter),
          computer_(computer),
          quantum_(quantum),
          node_(std::move(node)),
          clock_(clock),
          rng_(rng) {}
    // One look at all sessions that are open; returns when the next thing is due.
    Task<std::optional<Timestamp>> look();
    // Charges what has been of the hours of sessions, and nothing of bookings under way, with which the next start goes on.
    void end_charges();

private:
    Task<std::optional<Timestamp>> look_at_hours(std::vector<Session> charged);
    Task<> reserve(std::vector<Booking> begun);
    Task<> charge(Booking booking);
    Task<RunId> run_of(Booking booking);
    Task<metering::Hold> hold(Booking booking);
    Task<> end(SessionId session, std::string why);
    Task<> clear(Session session);
    Task<> remove_programs(std::vector<Program> programs);

    store::Store& store_;
    store::ContentStore& content_;
    Pool& files_;
    metering::Meter& meter_;
    Computer& computer_;
    Quantum& quantum_;
    std::string node_;
    Clock& clock_;
    Rng& rng_;
    std::optional<Timestamp> swept_at_;
    std::map<BookingId, metering::Hold> held_;  // of bookings under way
};

}  // namespace meridian::quantum::service
