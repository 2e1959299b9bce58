#include "inference/types.h"

#include <algorithm>
#include <array>

namespace meridian::inference {
namespace {

using enum DeploymentState;

constexpr std::array names = {
    std::pair{creating, std::string_view("creating")}, std::pair{deploying, std::string_view("deploying")},
    std::pair{ready, std::string_view("ready")},       std::pair{error, std::string_view("error")},
    std::pair{deleting, std::string_view("deleting")}, std::pair{locked, std::string_view("locked")},
    std::pair{scaling, std::string_view("scaling")},
};

constexpr std::pair<DeploymentState, DeploymentState> moves[] = {
    {creating, deploying}, {creating, ready},     {creating, error},    {deploying, ready},    {deploying, error},  {ready, scaling},
    {ready, creating},     {ready, error},        {ready, deploying},   {scaling, ready},      {scaling, error},    {scaling, creating},
    {error, creating},     {error, deleting},     {creating, deleting}, {deploying, deleting}, {ready, deleting},   {scaling, deleting},
    {locked, deleting},    {deploying, creating}, {scaling, scaling},   {creating, creating},  {deploying, locked}, {ready, locked},
    {scaling, locked},     {locked, deploying},   {locked, creating},
};

}  // namespace

std::string_view name(DeploymentState state) { return std::ranges::find(names, state, &decltype(names)::value_type::first)->second; }

std::optional<DeploymentState> deployment_state(std::string_view word) {
    const auto it = std::ranges::find(names, word, &decltype(names)::value_type::second);
    if (it == names.end()) return std::nullopt;
    return it->first;
}

bool may_move(DeploymentState from, DeploymentState to) {
    return std::ranges::any_of(moves, [&](const auto& m) { return m.first == from && m.second == to; });
}

bool Served::can(catalog::Capability c) const { return std::ranges::find(capabilities, c) != capabilities.end(); }

}  // namespace meridian::inference
