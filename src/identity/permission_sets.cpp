#include "identity/permission_sets.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>
#include <string>

#include "base/derived_id.h"

namespace meridian::identity {
namespace {

using Part = PermissionSet::Part;

constexpr Part everything[] = {{"*", "*"}};
constexpr Part every_read[] = {{"*", "read"}};
constexpr Part inference_all[] = {{"deployments", "*"}, {"models", "*"}, {"inference", "*"}, {"receipts", "read"}, {"quotes", "*"}};
constexpr Part inference_read[] = {
    {"deployments", "read"}, {"models", "read"}, {"inference", "read"}, {"receipts", "read"}, {"quotes", "read"}};
constexpr Part generative_use[] = {{"inference", "*"}, {"quotes", "*"}, {"receipts", "read"}};
constexpr Part generative_read[] = {{"inference", "read"}, {"quotes", "read"}, {"receipts", "read"}};
constexpr Part quantum_all[] = {{"quantum", "*"}, {"quotes", "*"}, {"receipts", "read"}};
constexpr Part quantum_read[] = {{"quantum", "read"}, {"quotes", "read"}, {"receipts", "read"}};
constexpr Part observability_read[] = {{"receipts", "read"}, {"status", "read"}, {"deployments", "read"}};
constexpr Part ssh_all[] = {{"ssh_keys", "*"}};
constexpr Part ssh_read[] = {{"ssh_keys", "read"}};
// Data is reached with a right of its own, and managing secrets does not give it.
constexpr Part secrets_all[] = {{"secrets", "read create update remove"}};
constexpr Part secrets_read[] = {{"secrets", "read"}};
constexpr Part secrets_access[] = {{"secrets", "access"}};
constexpr Part customer_keys_all[] = {{"customer_keys", "*"}};
constexpr Part customer_keys_read[] = {{"customer_keys", "read"}};
constexpr Part customer_keys_encrypt[] = {{"customer_keys", "encrypt"}};
constexpr Part customer_keys_decrypt[] = {{"customer_keys", "decrypt"}};

constexpr Part project_manager[] = {{"projects", "*"}};
constexpr Part project_reader[] = {{"projects", "read"}};
constexpr Part iam_all[] = {{"users", "*"}, {"applications", "*"}, {"groups", "*"},     {"policies", "*"},
                            {"keys", "*"},  {"ssh_keys", "*"},     {"projects", "read"}};
constexpr Part iam_read[] = {{"users", "read"}, {"applications", "read"}, {"groups", "read"},  {"policies", "read"},
                             {"keys", "read"},  {"ssh_keys", "read"},     {"projects", "read"}};
constexpr Part users_all[] = {{"users", "*"}};
constexpr Part users_read[] = {{"users", "read"}};
constexpr Part applications_all[] = {{"applications", "*"}};
constexpr Part applications_read[] = {{"applications", "read"}};
constexpr Part groups_all[] = {{"groups", "*"}};
constexpr Part groups_read[] = {{"groups", "read"}};
constexpr Part policies_all[] = {{"policies", "*"}};
constexpr Part policies_read[] = {{"policies", "read"}};
constexpr Part billing_all[] = {{"footprint", "read"}, {"billing", "*"}, {"budgets", "*"}, {"receipts", "read"}, {"quotes", "read"}};
constexpr Part billing_read[] = {{"footprint", "read"}, {"billing", "read"}, {"budgets", "read"}, {"receipts", "read"}, {"quotes", "read"}};
constexpr Part events_read[] = {{"events", "read"}};
constexpr Part footprint_read[] = {{"footprint", "read"}};
constexpr Part platform_all[] = {{"nodes", "*"}, {"system", "*"}, {"prices", "*"}};
constexpr Part platform_read[] = {{"nodes", "read"}, {"system", "read"}, {"prices", "read"}};

constexpr auto project = Level::project;
constexpr auto organization = Level::organization;

constexpr PermissionSet sets[] = {
    {"AllProductsFullAccess", project, "Everything in the projects", "All products", everything},
    {"AllProductsReadOnly", project, "Reads everything in the projects", "All products", every_read},
    {"AuditTrailFullAccess", organization, "Reads who changed what", "Security", events_read},
    {"AuditTrailReadOnly", organization, "Reads who changed what", "Security", events_read},
    {"BillingManager", organization, "Budgets, bills and usage", "Billing", billing_all},
    {"BillingReadOnly", organization, "Reads budgets, bills and usage", "Billing", billing_read},
    {"EnvironmentalImpactReadOnly", organization, "Reads what runs cost in CO2 and water", "Billing", footprint_read},
    {"GenerativeApisFullAccess", project, "Asks models and reads their receipts", "AI", generative_use},
    {"GenerativeApisModelAccess", project, "Asks models and reads their receipts", "AI", generative_use},
    {"GenerativeApisReadOnly", project, "Reads which models answer", "AI", generative_read},
    {"IAMApplicationManager", organization, "Makes and changes applications", "IAM", applications_all},
    {"IAMApplicationReadOnly", organization, "Reads applications", "IAM", applications_read},
    {"IAMGroupManager", organization, "Makes and changes groups", "IAM", groups_all},
    {"IAMGroupReadOnly", organization, "Reads groups", "IAM", groups_read},
    {"IAMManager", organization, "Users, applications, groups, policies and keys", "IAM", iam_all},
    {"IAMPolicyManager", organization, "Makes and changes policies", "IAM", policies_all},
    {"IAMPolicyReadOnly", organization, "Reads policies", "IAM", policies_read},
    {"IAMReadOnly", organization, "Reads users, applications, groups, policies and keys", "IAM", iam_read},
    {"IAMUserManager", organization, "Makes and changes users", "IAM", users_all},
    {"IAMUserReadOnly", organization, "Reads users", "IAM", users_read},
    {"InferenceFullAccess", project, "Models and deployments, and asks them", "AI", inference_all},
    {"InferenceReadOnly", project, "Reads models and deployments", "AI", inference_read},
    {"KeyManagerFullAccess", project, "Keys of customers, and what they are for", "Security", customer_keys_all},
    {"KeyManagerKeyDecrypt", project, "Decrypts and unwraps", "Security", customer_keys_decrypt},
    {"KeyManagerKeyEncrypt", project, "Encrypts, wraps and makes data keys", "Security", customer_keys_encrypt},
    {"KeyManagerReadOnly", project, "Reads what is said of keys, and their public halves", "Security", customer_keys_read},
    {"ObservabilityFullAccess", project, "Reads receipts and what runs", "Observability", observability_read},
    {"ObservabilityReadOnly", project, "Reads receipts and what runs", "Observability", observability_read},
    {"OrganizationManager", organization, "Everything in the organization", "Organization", everything},
    {"OrganizationReadOnly", organization, "Reads everything in the organization", "Organization", every_read},
    {"PlatformManager", organization, "Runs the installation: nodes, prices, backups; of its operator's organization only", "Platform",
     platform_all},
    {"PlatformReadOnly", organization, "Reads how the installation does; of its operator's organization only", "Platform", platform_read},
    {"ProjectManager", organization, "Makes and changes projects", "Organization", project_manager},
    {"ProjectReadOnly", organization, "Reads projects", "Organization", project_reader},
    {"QaaSFullAccess", project, "Runs quantum programs and reads their results", "Quantum", quantum_all},
    {"QaaSReadOnly", project, "Reads quantum sessions, jobs and results", "Quantum", quantum_read},
    {"SSHKeysFullAccess", project, "Adds and removes SSH keys", "IAM", ssh_all},
    {"SSHKeysReadOnly", project, "Reads SSH keys", "IAM", ssh_read},
    {"SecretManagerFullAccess", project, "Secrets and their versions, without access to data", "Security", secrets_all},
    {"SecretManagerReadOnly", project, "Reads what is said of secrets", "Security", secrets_read},
    {"SecretManagerSecretAccess", project, "Reads the data of secrets", "Security", secrets_access},
};

// A project's things that say or allow more than work in it: who has its keys, what it costs, who changed what.
bool is_of_work(const Right& right) {
    constexpr std::string_view managed[] = {"keys", "budgets", "billing", "footprint", "events", "projects"};
    return right.level == Level::project && std::ranges::find(managed, right.scope) == std::end(managed);
}

bool has_word(std::string_view words, std::string_view word) {
    return words == "*" || std::ranges::any_of(std::views::split(words, ' '), [&](auto part) { return std::string_view(part) == word; });
}

bool is_of(const PermissionSet& set, const Part& part, const Right& right) {
    if (part.scope != "*") return part.scope == right.scope;
    return set.scope == Level::project ? is_of_work(right) : right.level != Level::platform;
}

bool allows(const PermissionSet& set, const Right& right) {
    return std::ranges::any_of(set.parts,
                               [&](const Part& part) { return is_of(set, part, right) && has_word(part.actions, right.action); });
}

}  // namespace

std::span<const PermissionSet> permission_sets() { return sets; }

const PermissionSet* permission_set(std::string_view name) {
    const auto* at = std::ranges::lower_bound(sets, name, {}, &PermissionSet::name);
    return at == std::end(sets) || at->name != name ? nullptr : at;
}

// Worked out once: thousands of rules ask for their sets.
Rights rights_of(const PermissionSet& set) {
    static const auto all = [] {
        std::array<Rights, std::size(sets)> made;
        for (std::size_t at = 0; at < made.size(); ++at)
            for (std::size_t i = 0; i < rights().size(); ++i) made[at][i] = allows(sets[at], rights()[i]);
        return made;
    }();
    return all[static_cast<std::size_t>(&set - std::begin(sets))];
}

Uuid id_of(const PermissionSet& set) { return derived_uuid(std::string("permission set ") + std::string(set.name)); }

Rights rights_of_everybody() {
    Rights made;
    for (const auto scope : {"own_key", "organization", "nodes", "prices", "status", "sessions"}) made.set(place_of("read", scope).value());
    for (const auto action : {"create", "remove"}) made.set(place_of(action, "sessions").value());
    return made;
}

}  // namespace meridian::identity
