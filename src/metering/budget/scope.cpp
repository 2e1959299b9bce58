#include "metering/budget/scope.h"

#include <fmt/format.h>

#include "base/error.h"

namespace meridian::metering {

Task<std::string> known_scope(identity::Identity& identity, identity::Caller by, ScopeKind kind, std::string id) {
    const auto missing = [&](std::string_view what) {
        throw Error(Fault::not_found, fmt::format("There is no {} with this id.", what)).about(std::string(what), id);
    };
    if (!by.reach.is_everywhere() && kind != ScopeKind::project)
        throw Error(Fault::denied, "Your rights hold in some projects only, so you may limit those only.");
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
            if (!user || !co_await identity.has_principal(by, *user)) missing("user");
            co_return user->str();
        }
        case ScopeKind::api_key:
            co_return (co_await identity.key(by, id)).access_key;
    }
    co_return id;
}

ProjectId project_named(std::string_view scope_id) { return ProjectId::parse(scope_id).value_or(ProjectId()); }

}  // namespace meridian::metering
