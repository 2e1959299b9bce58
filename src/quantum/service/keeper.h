// Keeps sessions: begins those that were booked, ends those whose time is over, and clears away what was deleted or ended long ago, with
// everything it has. Receipts are the ledger's, and stay.
#pragma once
#include <optional>
#include <vector>

#include "base/async.h"
#include "quantum/service/computer.h"
#include "quantum/service/service.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::quantum::service {

class Keeper {
public:
    Keeper(store::Store& store, store::ContentStore& content, Pool& files, Computer& computer, Quantum& quantum, Clock& clock)
        : store_(store), content_(content), files_(files), computer_(computer), quantum_(quantum), clock_(clock) {}
    // One look at all sessions that are open; returns when the next thing is due.
    Task<std::optional<Timestamp>> look();

private:
    Task<> clear(Session session);
    Task<> remove_programs(std::vector<Program> programs);

    store::Store& store_;
    store::ContentStore& content_;
    Pool& files_;
    Computer& computer_;
    Quantum& quantum_;
    Clock& clock_;
    std::optional<Timestamp> swept_at_;
};

}  // namespace meridian::quantum::service
