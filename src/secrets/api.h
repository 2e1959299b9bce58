// The routes of this room, one function for each foreign API, and what their files share.
#pragma once
#include <string>
#include <utility>

#include "http/typed.h"
#include "secrets/service.h"

namespace meridian::secrets {

void add_secret_routes(http::Router& router, SecretManager& secrets);
void add_version_routes(http::Router& router, SecretManager& secrets);
void add_key_routes(http::Router& router, KeyManager& keys);
void add_key_use_routes(http::Router& router, KeyManager& keys);

inline const std::string secret_base = "/secret-manager/v1beta1/regions/{region}/";
inline const std::string key_base = "/key-manager/v1alpha1/regions/{region}/";

// Error{invalid} for another region than ours.
void check_region(const Ground& ground, const http::Called& call);
// Error{not_found} for another organization than the caller's.
void check_organization(const Caller& by, const std::optional<OrganizationId>& asked);

// A route of Scaleway's whose handler is a coroutine: f(manager, call).
template <class In, class Out, class Manager, class F>
void add_route(http::Router& router, Manager& manager, std::string_view method, std::string path, http::Permission may, http::RouteDoc doc,
               F f) {
    router.add(http::typed<In, Out>(std::string(method), std::move(path), std::move(may), http::Dialect::scaleway, std::move(doc),
                                    [&manager, f](http::Call<In> call) {
                                        check_region(manager.ground(), call);
                                        return f(manager, std::move(call));
                                    }));
}

}  // namespace meridian::secrets
