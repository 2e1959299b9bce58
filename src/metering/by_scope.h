// What is about the runs of a scope, found by a run: budgets and rate limits. Not locked.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "metering/books/usage.h"

namespace meridian::metering {

// The scopes that a run is in.
struct RunScopes {
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string_view api_key;
};

template <class T>
class ByScope {
public:
    void clear() { organizations_.clear(), projects_.clear(), principals_.clear(), api_keys_.clear(); }
    void add(const Scope& scope, const std::shared_ptr<T>& one) {
        if (const auto* organization = std::get_if<OrganizationId>(&scope)) organizations_[*organization].push_back(one);
        if (const auto* project = std::get_if<ProjectId>(&scope)) projects_[*project].push_back(one);
        if (const auto* principal = std::get_if<PrincipalId>(&scope)) principals_[*principal].push_back(one);
        if (const auto* key = std::get_if<AccessKey>(&scope)) api_keys_[key->text].push_back(one);
    }
    // The narrowest first, so that it is the one that is named when several refuse.
    template <class F>
    void for_each_of(const RunScopes& run, F f) const {
        const auto visit = [&](const auto& map, const auto& key) {
            if (map.empty()) return;
            if (const auto found = map.find(key); found != map.end())
                for (const auto& one : found->second) f(one);
        };
        visit(api_keys_, run.api_key);
        visit(principals_, run.principal);
        visit(projects_, run.project);
        visit(organizations_, run.organization);
    }

private:
    using Few = std::vector<std::shared_ptr<T>>;
    std::unordered_map<OrganizationId, Few> organizations_;
    std::unordered_map<ProjectId, Few> projects_;
    std::unordered_map<PrincipalId, Few> principals_;
    struct TextHash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::unordered_map<std::string, Few, TextHash, std::equal_to<>> api_keys_;
};

}  // namespace meridian::metering
