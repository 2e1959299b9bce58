// What a caller may, beside what the route asked for.
#include <fmt/format.h>

#include "base/error.h"
#include "identity/permissions.h"
#include "identity/state.h"

namespace meridian::identity {

bool Caller::may(std::string_view action, std::string_view scope) const {
    const auto right = place_of(action, scope);
    return right && grants && grants->hold(*right);
}

bool Caller::may(std::string_view action, std::string_view scope, const ProjectId& in) const {
    const auto right = place_of(action, scope);
    return right && grants && grants->hold(*right, in);
}

Caller everything(OrganizationId organization, ProjectId project, PrincipalId principal) {
    static const auto all = [] {
        Grants made;
        made.add(rights_for(Role::admin), Reach::everywhere());
        return std::make_shared<const Grants>(std::move(made));
    }();
    Caller made;
    made.organization = organization;
    made.project = project;
    made.principal = principal;
    made.policy = rights_version();
    made.grants = all;
    made.reach = made.sight = Reach::everywhere();
    return made;
}

void need(const Caller& by, std::string_view action, std::string_view scope) {
    if (!by.may(action, scope))
        throw Error(Fault::denied, fmt::format("You may not {} {}.", action, scope))
            .about(std::string(scope), "")
            .in_state(std::string(action));
}

void check_reach(const Caller& caller, const Owner& owner, std::string_view what) {
    if (owner.organization == caller.organization && caller.sight.holds_in(owner.project) && !caller.may_see(owner))
        throw Error(Fault::denied,
                    fmt::format("You may see this {}, and not do this with it: your policies do not allow it in its project.", what))
            .about(std::string(what), "");
}

}  // namespace meridian::identity
