#include "local_authorizer.h"

namespace meridian::app {

LocalAuthorizer::LocalAuthorizer(http::Authorizer& identity, const identity::Bootstrap& bootstrap, PrincipalId owner, Rng& rng)
    : identity_(identity),
      secret_(Uuid::random(rng).str()),
      digest_(sha256(secret_)),
      owner_(std::make_shared<identity::Caller>(identity::everything(bootstrap.organization, bootstrap.project, owner))) {
    owner_->access_key = "local";
}

std::shared_ptr<const http::Principal> LocalAuthorizer::authorize(const http::Request& request, const http::Permission& permission) {
    const auto given = request.headers.get("X-Auth-Token");
    if (!given.empty() && equal_in_constant_time(as_view(sha256(given)), as_view(digest_))) return owner_;
    return identity_.authorize(request, permission);
}

}  // namespace meridian::app
