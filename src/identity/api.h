// The routes of this room, one function for each part of a foreign API, and what their files share.
#pragma once
#include <algorithm>
#include <compare>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/route.h"
#include "http/typed.h"
#include "identity/service.h"
#include "identity/state.h"

namespace meridian::identity {

void add_key_routes(http::Router& router, Identity& identity);
void add_organization_routes(http::Router& router, Identity& identity);
void add_user_routes(http::Router& router, Identity& identity);
void add_application_routes(http::Router& router, Identity& identity);
void add_group_routes(http::Router& router, Identity& identity);
void add_policy_routes(http::Router& router, Identity& identity);
void add_ssh_key_routes(http::Router& router, Identity& identity);
void add_jwt_routes(http::Router& router, Identity& identity);
void add_security_routes(http::Router& router, Identity& identity);
void add_permission_routes(http::Router& router, Identity& identity);
void add_account_routes(http::Router& router, Identity& identity);

inline const std::string iam_base = "/iam/v1alpha1/";

// Ties fall to what is unique, so that pages never overlap.
template <class T, class Member, class Unique>
void sort_by(std::vector<T>& list, Member member, Unique unique, bool descending) {
    std::ranges::sort(list, [&](const T& a, const T& b) {
        const auto order = std::compare_three_way()(std::invoke(member, a), std::invoke(member, b));
        if (order == 0) return std::invoke(unique, a) < std::invoke(unique, b);
        return descending ? order > 0 : order < 0;
    });
}

// A route in Scaleway's dialect whose handler is a coroutine: f(identity, call).
template <class In, class Out, class F>
void add_route(http::Router& router, Identity& identity, std::string_view method, std::string path, http::Permission may,
               http::RouteDoc doc, F f) {
    router.add(http::typed<In, Out>(std::string(method), std::move(path), std::move(may), http::Dialect::scaleway, std::move(doc),
                                    [&identity, f](http::Call<In> call) { return f(identity.state(), std::move(call)); }));
}

}  // namespace meridian::identity
