// Who may do what through policies: the grants that rules add up to, and what a key leaves of them.
#include <gtest/gtest.h>

#include <set>

#include "identity/permission_sets.h"
#include "identity/service.h"

namespace meridian::identity {
namespace {

const ProjectId one = *ProjectId::parse("11111111-1111-4111-8111-111111111111");
const ProjectId two = *ProjectId::parse("22222222-2222-4222-8222-222222222222");

std::size_t at(std::string_view action, std::string_view scope) { return place_of(action, scope).value(); }

TEST(PermissionSets, AreSortedByNameAndAllowSomethingThatIsKnown) {
    std::string_view before;
    for (const auto& set : permission_sets()) {
        EXPECT_LT(before, set.name);
        before = set.name;
        EXPECT_TRUE(rights_of(set).any()) << set.name;
        EXPECT_EQ(permission_set(set.name), &set);
        for (const auto& part : set.parts) {
            if (part.scope == "*") continue;
            EXPECT_NE(std::ranges::find(scopes(), part.scope), scopes().end()) << set.name << ' ' << part.scope;
        }
    }
    EXPECT_EQ(permission_set("NoSuchSet"), nullptr);
}

TEST(PermissionSets, OfProjectsAllowNothingOfTheOrganization) {
    const auto beyond = rights_of(Level::organization) | rights_of(Level::platform);
    for (const auto& set : permission_sets())
        if (set.scope == Level::project) EXPECT_TRUE((rights_of(set) & beyond).none()) << set.name;
}

TEST(PermissionSets, ThatOnlyReadChangeNothing) {
    for (const auto& set : permission_sets()) {
        if (!set.name.ends_with("ReadOnly")) continue;
        for (std::size_t i = 0; i < rights().size(); ++i)
            if (rights_of(set)[i]) EXPECT_EQ(rights()[i].action, "read") << set.name << ' ' << rights()[i].scope;
    }
}

TEST(PermissionSets, OnlyTheOnesForItRunTheInstallation) {
    for (const auto& set : permission_sets())
        EXPECT_EQ((rights_of(set) & rights_of(Level::platform)).any(), set.name.starts_with("Platform")) << set.name;
}

TEST(Grants, HoldWhereARuleSaysAndNowhereElse) {
    Grants grants;
    grants.add(rights_of(*permission_set("InferenceFullAccess")), Reach::of({one}));
    grants.add(rights_of(*permission_set("InferenceReadOnly")), Reach::of({two}));
    EXPECT_TRUE(grants.hold(at("create", "deployments"), one));
    EXPECT_FALSE(grants.hold(at("create", "deployments"), two));
    EXPECT_TRUE(grants.hold(at("read", "deployments"), two));
    EXPECT_EQ(grants.reach(at("read", "deployments")), Reach::of({two, one}));
    EXPECT_TRUE(grants.reach(at("invoke", "quantum")).is_nowhere());
}

TEST(Grants, AKeyIsLimitedByItsRoleAndItsProject) {
    Grants all;
    all.add(rights_for(Role::admin), Reach::everywhere());
    const auto observer = all.limited(rights_for(Role::observer), std::nullopt);
    EXPECT_TRUE(observer.reach(at("read", "deployments")).is_everywhere());
    EXPECT_FALSE(observer.hold(at("create", "deployments")));
    const auto project = all.limited(rights_for(Role::admin), one);
    EXPECT_EQ(project.reach(at("create", "deployments")), Reach::of({one}));
    EXPECT_FALSE(project.hold(at("create", "projects"))) << "that is the organization's";
    EXPECT_FALSE(project.hold(at("update", "system")));
}

TEST(Grants, WhoMayAnythingInAProjectMayReadTheProject) {
    Grants grants;
    grants.add(rights_of_everybody(), Reach::everywhere());
    grants.add_sight();
    EXPECT_FALSE(grants.hold(at("read", "projects"))) << "to look at one's own key is no work";
    grants.add(rights_of(*permission_set("QaaSReadOnly")), Reach::of({two}));
    grants.add_sight();
    EXPECT_EQ(grants.reach(at("read", "projects")), Reach::of({two}));
}

TEST(Grants, TheDigestFollowsWhatIsAllowed) {
    Grants a, b;
    EXPECT_EQ(a.digest(), b.digest());
    a.add(rights_of(*permission_set("InferenceReadOnly")), Reach::of({one}));
    EXPECT_NE(a.digest(), b.digest());
    b.add(rights_of(*permission_set("InferenceReadOnly")), Reach::of({one}));
    EXPECT_EQ(a.digest(), b.digest());
}

}  // namespace
}  // namespace meridian::identity
