#include "secrets/api.h"

#include <fmt/format.h>

#include "base/error.h"

namespace meridian::secrets {

void check_region(const Ground& ground, const http::Called& call) {
    if (call.param("region") == ground.region) return;
    throw Error(Fault::invalid, fmt::format("This installation serves region '{}'.", ground.region))
        .with({"region", FieldProblem::Reason::constraint, "use " + ground.region});
}

void check_organization(const Caller& by, const std::optional<OrganizationId>& asked) {
    if (asked && *asked != by.organization)
        throw Error(Fault::not_found, "There is no organization with this id.").about("organization", asked->str());
}

void add_routes(http::Router& router, SecretManager& secrets, KeyManager& keys) {
    add_secret_routes(router, secrets);
    add_version_routes(router, secrets);
    add_key_routes(router, keys);
    add_key_use_routes(router, keys);
}

}  // namespace meridian::secrets
