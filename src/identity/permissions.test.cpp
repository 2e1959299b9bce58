#include "identity/permissions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace meridian::identity {
namespace {

bool may(Role role, std::string_view action, std::string_view scope) {
    const auto right = place_of(action, scope);
    return right && rights()[*right].is_for(role);
}

TEST(Permissions, TheTableIsMadeOfKnownWordsAndSaysNothingTwice) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const auto& right : rights()) {
        EXPECT_NE(std::ranges::find(actions(), right.action), actions().end()) << right.action;
        EXPECT_NE(std::ranges::find(scopes(), right.scope), scopes().end()) << right.scope;
        EXPECT_TRUE(seen.emplace(right.action, right.scope).second) << right.action << ' ' << right.scope;
    }
}

TEST(Permissions, AdminImpliesAll) {
    for (const auto& right : rights()) EXPECT_TRUE(right.is_for(Role::admin)) << right.action << ' ' << right.scope;
}

TEST(Permissions, EveryScopeButPublicHasARow) {
    for (const auto scope : scopes()) {
        EXPECT_EQ(std::ranges::any_of(rights(), [&](const Right& r) { return r.scope == scope; }), scope != "public") << scope;
    }
}

TEST(Permissions, WhatIsNotInTheTableIsDeniedToEverybody) {
    const std::pair<std::string_view, std::string_view> unknown[] = {
        {"read", "weather"}, {"fly", "models"}, {"", ""}, {"any", "public"}, {"invoke", "keys"}};
    for (const auto& [action, scope] : unknown) {
        EXPECT_FALSE(place_of(action, scope)) << action << ' ' << scope;
        EXPECT_FALSE(may(Role::admin, action, scope));
    }
}

TEST(Permissions, AnInferenceKeyInvokesAndReadsButChangesNothing) {
    EXPECT_TRUE(may(Role::inference, "invoke", "inference"));
    EXPECT_TRUE(may(Role::inference, "read", "models"));
    EXPECT_TRUE(may(Role::inference, "read", "receipts"));
    EXPECT_FALSE(may(Role::inference, "read", "system"));
    for (const auto& right : rights()) {
        if (right.action != "read" && right.action != "invoke") {
            EXPECT_FALSE(right.is_for(Role::inference)) << right.action << ' ' << right.scope;
        }
    }
}

TEST(Permissions, AnObserverOnlyReads) {
    EXPECT_FALSE(may(Role::observer, "invoke", "inference"));
    EXPECT_TRUE(may(Role::observer, "read", "system"));
    for (const auto& right : rights()) {
        if (right.action != "read") {
            EXPECT_FALSE(right.is_for(Role::observer)) << right.action << ' ' << right.scope;
        }
    }
}

}  // namespace
}  // namespace meridian::identity
