#include "metering/budget/scope.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace meridian::metering {

Task<std::string> known_scope(identity::Identity& identity, identity::Caller by, ScopeKind kind, std::string id) {
    const auto missing = [&](std::string_view what) {
        throw Error(Fault::not_found, fmt::format("There is no {} with this id.", what)).about(std::string(what), id);
    };
    if (by.only_project && kind != ScopeKind::project)
        throw Error(Fault::denied, "This key is for one project only, so it may limit that project only.");
    switch (kind) {
        case ScopeKind::organization:
            if (!id.empty() && OrganizationId::parse(id) != by.organization) missing("organization");
            co_return by.organization.str();
        case ScopeKind::project: {
            const auto project = id.empty() ? std::optional(by.project) : ProjectId::parse(id);
            if (!project) missing("project");
            co_return (co_await identity.project(by, *project)).id.str();
        }
        case ScopeKind::user: {
            const auto user = PrincipalId::parse(id);
            const auto keys = co_await identity.keys(by);
            const bool is_known =
                user && (*user == by.principal || std::ranges::any_of(keys, [&](const auto& key) { return key.principal == *user; }));
            if (!is_known) missing("user");
            co_return user->str();
        }
        case ScopeKind::api_key:
            co_return (co_await identity.key(by, id)).access_key;
    }
    co_return id;
}

}  // namespace meridian::metering
