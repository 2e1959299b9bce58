#include "inference/types.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace meridian::inference {
namespace {

using enum DeploymentState;

constexpr DeploymentState all[] = {creating, deploying, ready, error, deleting, locked, scaling};

TEST(DeploymentStates, NamesRoundTripAndAreOnesOwn) {
    std::set<std::string_view> seen;
    for (const auto state : all) {
        EXPECT_EQ(deployment_state(name(state)), state) << name(state);
        EXPECT_TRUE(seen.insert(name(state)).second) << name(state);
    }
    for (const auto* word : {"", "Ready", "gone", "ready ", "unknown_status"}) EXPECT_FALSE(deployment_state(word)) << word;
}

TEST(DeploymentStates, EveryMoveIsAllowedOrNotAsTheTableSays) {
    const std::map<DeploymentState, std::set<DeploymentState>> allowed = {
        {creating, {creating, deploying, ready, error, deleting}},
        {deploying, {creating, ready, error, locked, deleting}},
        {ready, {creating, deploying, scaling, error, locked, deleting}},
        {scaling, {creating, scaling, ready, error, locked, deleting}},
        {error, {creating, deleting}},
        {deleting, {}},
        {locked, {creating, deploying, deleting}},
    };
    for (const auto from : all) {
        for (const auto to : all) {
            EXPECT_EQ(may_move(from, to), allowed.at(from).contains(to)) << name(from) << " -> " << name(to);
        }
    }
}

TEST(DeploymentStates, WhatIsBeingDeletedStaysThatWay) {
    for (const auto to : all) EXPECT_FALSE(may_move(deleting, to)) << name(to);
    for (const auto from : all) EXPECT_EQ(may_move(from, deleting), from != deleting) << name(from);
}

TEST(Serving, ReadersKeepTheTableThatTheyTook) {
    Serving serving;
    const auto before = serving.current();
    ASSERT_TRUE(before);
    EXPECT_TRUE(before->by_model.empty());
    auto next = std::make_shared<ServingTable>();
    next->by_model["m"];
    serving.publish(next);
    EXPECT_TRUE(before->by_model.empty());
    EXPECT_EQ(serving.current()->by_model.size(), 1u);
}

}  // namespace
}  // namespace meridian::inference
