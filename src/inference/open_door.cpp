#include "inference/open_door.h"

#include "base/error.h"

namespace meridian::inference {

identity::Caller nobody() {
    identity::Caller caller;
    caller.reach = caller.sight = identity::Reach::of({ProjectId()});
    return caller;
}

bool is_nobody(const identity::Caller& caller) { return caller.organization.is_nil(); }

void needs_key() {
    throw Error(Fault::unauthenticated, "This model needs a key: send your secret key as 'Authorization: Bearer ...'.")
        .with_code("invalid_api_key")
        .in_state("not_found");
}

OpenDoor::OpenDoor(http::Authorizer& keys, const Serving& serving)
    : keys_(keys), serving_(serving), nobody_(std::make_shared<const identity::Caller>(nobody())) {}

// Clients of endpoints without keys still send one, any text: a wrong key is as good as none.
std::shared_ptr<const http::Principal> OpenDoor::authorize(const http::Request& request, const http::Permission& permission) {
    const bool may_be_open = permission.action == "invoke" && permission.scope == "inference" && serving_.current()->any_open;
    if (!may_be_open) return keys_.authorize(request, permission);
    try {
        return keys_.authorize(request, permission);
    } catch (const Error& error) {
        if (error.fault != Fault::unauthenticated) throw;
        return nobody_;
    }
}

}  // namespace meridian::inference
