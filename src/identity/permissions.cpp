#include "identity/permissions.h"

#include <algorithm>
#include <tuple>

#include "base/hash.h"

namespace meridian::identity {
namespace {

constexpr std::string_view action_words[] = {"read",  "create", "update",  "remove",  "invoke",
                                             "admin", "access", "encrypt", "decrypt", "sign"};
constexpr std::string_view scope_words[] = {"public",   "inference", "deployments",  "models",  "keys",          "own_key",      "projects",
                                            "receipts", "nodes",     "status",       "system",  "quantum",       "budgets",      "prices",
                                            "quotes",   "billing",   "footprint",    "events",  "users",         "applications", "groups",
                                            "policies", "ssh_keys",  "organization", "secrets", "customer_keys", "sessions"};

constexpr auto project = Level::project;
constexpr auto organization = Level::organization;
constexpr auto platform = Level::platform;

// action, scope, level, kept by a key for inference, by a key for observers
constexpr Right table[] = {
    {"read", "inference", project, true, true},  // which models answer
    {"invoke", "inference", project, true, false},
    {"read", "deployments", project, true, true},
    {"create", "deployments", project, false, false},
    {"update", "deployments", project, false, false},
    {"remove", "deployments", project, false, false},
    {"read", "models", project, true, true},
    {"create", "models", project, false, false},
    {"update", "models", project, false, false},
    {"remove", "models", project, false, false},
    {"read", "quantum", project, true, true},
    {"invoke", "quantum", project, true, false},
    {"read", "receipts", project, true, true},
    {"read", "quotes", project, true, true},
    {"invoke", "quotes", project, true, false},
    {"read", "nodes", project, true, true},  // what can be rented
    {"read", "prices", project, true, true},
    {"read", "status", project, true, true},
    {"read", "ssh_keys", project, false, true},
    {"create", "ssh_keys", project, false, false},
    {"update", "ssh_keys", project, false, false},
    {"remove", "ssh_keys", project, false, false},
    {"read", "secrets", project, false, true},  // what is said of them
    {"create", "secrets", project, false, false},
    {"update", "secrets", project, false, false},
    {"remove", "secrets", project, false, false},
    {"access", "secrets", project, false, false},  // their data
    {"read", "customer_keys", project, false, true},
    {"create", "customer_keys", project, false, false},
    {"update", "customer_keys", project, false, false},
    {"remove", "customer_keys", project, false, false},
    {"encrypt", "customer_keys", project, false, false},
    {"decrypt", "customer_keys", project, false, false},
    {"sign", "customer_keys", project, false, false},
    {"read", "projects", project, true, true},
    {"update", "projects", project, false, false},
    {"remove", "projects", project, false, false},
    {"create", "projects", organization, false, false},
    {"read", "own_key", project, true, true},
    {"read", "sessions", project, true, true},  // one's own; others' for those who may read users
    {"create", "sessions", project, false, false},
    {"remove", "sessions", project, false, false},
    {"read", "keys", project, false, false},
    {"create", "keys", project, false, false},
    {"update", "keys", project, false, false},
    {"remove", "keys", project, false, false},
    {"read", "budgets", project, false, true},
    {"create", "budgets", project, false, false},
    {"update", "budgets", project, false, false},
    {"remove", "budgets", project, false, false},
    {"read", "billing", project, false, true},
    {"update", "billing", organization, false, false},
    {"read", "footprint", project, false, true},
    {"read", "events", project, false, true},
    {"read", "organization", project, true, true},
    {"update", "organization", organization, false, false},
    {"read", "users", organization, false, true},
    {"create", "users", organization, false, false},
    {"update", "users", organization, false, false},
    {"remove", "users", organization, false, false},
    {"read", "applications", organization, false, true},
    {"create", "applications", organization, false, false},
    {"update", "applications", organization, false, false},
    {"remove", "applications", organization, false, false},
    {"read", "groups", organization, false, true},
    {"create", "groups", organization, false, false},
    {"update", "groups", organization, false, false},
    {"remove", "groups", organization, false, false},
    {"read", "policies", organization, false, true},
    {"create", "policies", organization, false, false},
    {"update", "policies", organization, false, false},
    {"remove", "policies", organization, false, false},
    {"create", "prices", platform, false, false},
    {"update", "nodes", platform, false, false},
    {"admin", "nodes", platform, false, false},
    {"read", "system", platform, false, true},
    {"update", "system", platform, false, false},
    {"admin", "system", platform, false, false},
};
static_assert(std::size(table) <= rights_max);

template <class Fits>
Rights those(Fits fits) {
    Rights made;
    for (std::size_t i = 0; i < std::size(table); ++i) made[i] = fits(table[i]);
    return made;
}

}  // namespace

bool Right::is_for(Role role) const {
    switch (role) {
        case Role::admin:
            return true;
        case Role::inference:
            return inference;
        case Role::observer:
            return observer;
    }
    return false;
}

std::span<const Right> rights() { return table; }

Rights rights_for(Role role) {
    return those([role](const Right& right) { return right.is_for(role); });
}
Rights rights_of(Level level) {
    return those([level](const Right& right) { return right.level == level; });
}

std::string rights_version() {
    static const std::string version = [] {
        Sha256Stream all;
        for (const auto& right : table)
            for (const auto word :
                 {right.action, right.scope, std::string_view(right.inference ? "i" : "-"), std::string_view(right.observer ? "o" : "-")}) {
                all.add(word);
                all.add(" ");
            }
        const auto digest = all.finish();
        return "rights/" + hex(std::span(digest).first(4));
    }();
    return version;
}

std::optional<std::size_t> place_of(std::string_view action, std::string_view scope) {
    static const auto sorted = [] {
        std::array<std::size_t, std::size(table)> places{};
        for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
        std::ranges::sort(places, {}, [](std::size_t i) { return std::pair(table[i].scope, table[i].action); });
        return places;
    }();
    const std::pair wanted(scope, action);
    const auto at = std::ranges::lower_bound(sorted, wanted, {}, [](std::size_t i) { return std::pair(table[i].scope, table[i].action); });
    if (at == sorted.end() || table[*at].scope != scope || table[*at].action != action) return std::nullopt;
    return *at;
}

std::span<const std::string_view> actions() { return action_words; }
std::span<const std::string_view> scopes() { return scope_words; }

}  // namespace meridian::identity
