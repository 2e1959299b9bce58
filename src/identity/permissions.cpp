#include "identity/permissions.h"

#include <algorithm>

#include "base/hash.h"

namespace meridian::identity {
namespace {

constexpr std::string_view action_words[] = {"read", "create", "update", "remove", "invoke", "admin"};
constexpr std::string_view scope_words[] = {"public", "inference", "deployments", "models",  "keys",   "projects", "receipts", "nodes",
                                            "status", "system",    "quantum",     "budgets", "prices", "quotes",   "billing",  "events"};

// admin, inference, observer
constexpr Right table[] = {
    {"read", "inference", true, true, true},  // which models answer
    {"invoke", "inference", true, true, false},    {"read", "deployments", true, true, true},
    {"create", "deployments", true, false, false}, {"update", "deployments", true, false, false},
    {"remove", "deployments", true, false, false}, {"read", "models", true, true, true},
    {"create", "models", true, false, false},      {"update", "models", true, false, false},
    {"remove", "models", true, false, false},      {"read", "keys", true, true, true},  // their own; an admin all
    {"create", "keys", true, false, false},        {"update", "keys", true, false, false},
    {"remove", "keys", true, false, false},        {"read", "projects", true, true, true},
    {"create", "projects", true, false, false},    {"update", "projects", true, false, false},
    {"remove", "projects", true, false, false},    {"read", "receipts", true, true, true},
    {"read", "nodes", true, true, true},           {"update", "nodes", true, false, false},
    {"admin", "nodes", true, false, false},        {"read", "status", true, true, true},
    {"read", "system", true, false, true},         {"update", "system", true, false, false},
    {"admin", "system", true, false, false},       {"read", "quantum", true, true, true},
    {"invoke", "quantum", true, true, false},      {"read", "budgets", true, false, true},
    {"create", "budgets", true, false, false},     {"update", "budgets", true, false, false},
    {"remove", "budgets", true, false, false},     {"read", "prices", true, true, true},
    {"create", "prices", true, false, false},      {"read", "quotes", true, true, true},
    {"invoke", "quotes", true, true, false},       {"read", "billing", true, false, true},
    {"update", "billing", true, false, false},     {"read", "events", true, false, true},
};

}  // namespace

bool Right::is_for(Role role) const {
    switch (role) {
        case Role::admin:
            return admin;
        case Role::inference:
            return inference;
        case Role::observer:
            return observer;
    }
    return false;
}

std::span<const Right> rights() { return table; }

std::string rights_version() {
    Sha256Stream all;
    for (const auto& right : table)
        for (const auto word : {right.action, right.scope, std::string_view(right.admin ? "a" : "-"),
                                std::string_view(right.inference ? "i" : "-"), std::string_view(right.observer ? "o" : "-")}) {
            all.add(word);
            all.add(" ");
        }
    const auto digest = all.finish();
    return "rights/" + hex(std::span(digest).first(4));
}

const Right* right_for(std::string_view action, std::string_view scope) {
    const auto it = std::ranges::find_if(table, [&](const Right& r) { return r.action == action && r.scope == scope; });
    return it == std::end(table) ? nullptr : &*it;
}

std::span<const std::string_view> actions() { return action_words; }
std::span<const std::string_view> scopes() { return scope_words; }

}  // namespace meridian::identity
