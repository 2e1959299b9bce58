// The hours of replicas: each is charged for the time that it is ready, slice by slice, at the price of its node type or as it was quoted.
// Where hours cost something, the tokens of the deployment cost nothing.
#pragma once
#include <optional>
#include <string>

#include "base/async.h"
#include "inference/types.h"
#include "metering/prices/prices.h"
#include "metering/slices.h"

namespace meridian::inference {

class Hours {
public:
    Hours(metering::Meter& meter, const metering::Prices& prices, Clock& clock) : slices_(meter, clock), prices_(prices), clock_(clock) {}

    // Before a replica of the deployment is begun on that node. Gives the refusal.
    Task<std::optional<Error>> begin(Deployment deployment, ReplicaId id, std::string node);
    // It is ready.
    void count(const ReplicaId& id) { slices_.count(id.uuid()); }
    struct Seen {
        bool is_over = false;
        std::optional<std::string> notice = std::nullopt;  // that it ends, and why
    };
    // A replica that runs; often.
    Task<Seen> look(Deployment deployment, ReplicaId id, std::string node);
    [[nodiscard]] bool is_charged(const ReplicaId& id) { return slices_.is_open(id.uuid()); }
    void end(const ReplicaId& id) { slices_.close(id.uuid()); }
    void end_all() { slices_.close_all(); }

private:
    // Nothing where it costs nothing.
    [[nodiscard]] std::optional<metering::Slices::Slice> slice_of(const Deployment& deployment, const std::string& node,
                                                                  Duration from_now) const;

    metering::Slices slices_;
    const metering::Prices& prices_;
    Clock& clock_;
};

}  // namespace meridian::inference
