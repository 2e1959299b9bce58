// Lets callers without a good key through to deployments that need none, as nobody. What they may reach the gateway decides.
#pragma once
#include <memory>

#include "http/route.h"
#include "identity/service.h"
#include "inference/types.h"

namespace meridian::inference {

// The caller that nobody knows: of no organization, so that it owns nothing and sees nothing that belongs to anybody.
identity::Caller nobody();
bool is_nobody(const identity::Caller& caller);
// What it is told where a key is needed after all.
[[noreturn]] void needs_key();

class OpenDoor final : public http::Authorizer {
public:
    OpenDoor(http::Authorizer& keys, const Serving& serving);
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override;

private:
    http::Authorizer& keys_;
    const Serving& serving_;
    std::shared_ptr<const identity::Caller> nobody_;
};

}  // namespace meridian::inference
