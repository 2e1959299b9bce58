#include "fleet/service.h"

namespace meridian::fleet {

std::string_view name(ReplicaState state) {
    switch (state) {
        case ReplicaState::starting:
            return "starting";
        case ReplicaState::loading:
            return "loading";
        case ReplicaState::ready:
            return "ready";
        case ReplicaState::backing_off:
            return "backing_off";
        case ReplicaState::failed:
            return "failed";
        case ReplicaState::stopped:
            return "stopped";
    }
    return "unknown";
}

}  // namespace meridian::fleet
