// The CLI on the same host: a secret of this process's lifetime, in a file that only the owner of the data directory can read.
// Everything else goes to identity's authorizer.
#pragma once
#include <memory>
#include <string>

#include "base/hash.h"
#include "identity/service.h"

namespace meridian::app {

class LocalAuthorizer final : public http::Authorizer {
public:
    LocalAuthorizer(http::Authorizer& identity, const identity::Bootstrap& bootstrap, PrincipalId owner, Rng& rng);
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override;
    [[nodiscard]] const std::string& secret() const { return secret_; }

private:
    http::Authorizer& identity_;
    std::string secret_;
    Sha256 digest_;
    std::shared_ptr<identity::Caller> owner_;
};

}  // namespace meridian::app
