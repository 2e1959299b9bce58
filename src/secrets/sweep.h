// Does what is due: purges what was to be deleted, ends versions that have expired, rotates keys. Works from the rows and the clock alone,
// so that what fell due while nobody ran is done after the start. Lives on one executor.
#pragma once
#include <memory>
#include <optional>

#include "secrets/ground.h"

namespace meridian::secrets {

class Sweep {
public:
    Sweep(Ground ground, Executor executor);
    // Until its group is cancelled.
    Task<> run();
    // Everything that is due now; says when the next thing is.
    Task<std::optional<Timestamp>> pass();

private:
    Ground ground_;
    Event wake_;
    std::shared_ptr<void> listening_;
};

}  // namespace meridian::secrets
