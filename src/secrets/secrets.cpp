// Secrets from their making to their end; their versions are in versions.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <map>

#include "base/error.h"
#include "identity/listing.h"
#include "secrets/sealing.h"
#include "secrets/service.h"

namespace meridian::secrets {
namespace {

// A policy without an action is none.
std::optional<EphemeralPolicy> clean_policy(std::optional<EphemeralPolicy> policy) {
    if (!policy) return std::nullopt;
    const bool is_said = policy->time_to_live || policy->expires_once_accessed.value_or(false);
    if (policy->action == Expiry::unknown_action) {
        if (is_said) wrong("ephemeral_policy.action", "Say what becomes of a version that expires: delete or disable.");
        return std::nullopt;
    }
    if (!is_said) wrong("ephemeral_policy", "A version expires after a time_to_live, once accessed, or both.");
    if (policy->time_to_live && (*policy->time_to_live < limits::living_min || *policy->time_to_live > limits::living_max))
        wrong("ephemeral_policy.time_to_live", "A version lives from a second to a year: \"3600s\".");
    return policy;
}

identity::Listing listing_for(const Ground& ground, const Caller& by, const std::optional<ProjectId>& project) {
    identity::Listing listing("secrets");
    listing.where("organization_id = {}", by.organization).where("region = {}", ground.region).where_if("project_id = {}", project);
    if (by.reach.is_nowhere()) listing.where("1 = 0");
    if (!by.reach.is_everywhere()) listing.among("project_id", std::vector(by.reach.projects().begin(), by.reach.projects().end()));
    return listing;
}

void narrow(identity::Listing& listing, const std::vector<std::string>& tags, SecretType type) {
    if (type != SecretType::unknown_type) listing.where("type = {}", std::string(word(type)));
    for (const auto& tag : tags) listing.where("replace(tags, {}, '') <> tags", to_text(Json(tag)));
}

Secret planned(const Ground& ground, const Caller& by, const CreateSecret& wish) {
    check_name(wish.name);
    check_tags(wish.tags);
    check_description(wish.description);
    Secret made;
    made.id = SecretId::random(ground.rng);
    made.organization = by.organization;
    made.project = wish.project_id.value_or(by.project);
    made.name = wish.name;
    made.path = clean_path(wish.path && !wish.path->empty() ? *wish.path : "/");
    made.tags = wish.tags;
    made.description = wish.description;
    made.type = wish.type == SecretType::unknown_type ? SecretType::opaque : wish.type;
    made.ephemeral_policy = clean_policy(wish.ephemeral_policy);
    made.is_protected = wish.is_protected;
    made.key = wish.key_id;
    made.region = ground.region;
    made.created_at = made.updated_at = ground.clock.now();
    return made;
}

// A customer's key for a secret: one that the caller may read, of the same project, that encrypts.
void check_key(store::Tx& tx, const Ground& ground, const Caller& by, const Secret& secret) {
    const auto key = by.may("read", "customer_keys", secret.project) ? std::optional(rows::key(tx, by, ground, *secret.key)) : std::nullopt;
    if (!key || key->project != secret.project)
        throw Error(Fault::not_found, "There is no key with this id in the secret's project.").about("key", secret.key->str());
    if (key->use != Usage::symmetric_encryption) wrong("key_id", "Secrets are sealed under a symmetric key.");
    check_usable(*key);
}

// Pages of what is not worth a statement of its own.
template <class T>
Paged<T> sorted_page(std::vector<T> all, const Page& page) {
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return page_of(std::move(all), page);
}

std::vector<Secret> all_of(store::Tx& tx, const identity::Listing& listing) {
    return listing.page<Secret>(tx, {.number = 1, .size = limits::secrets}).items;
}

// By what `order` says; ties fall to the name.
void sort_items(std::vector<Browsed>& items, std::string_view order) {
    const auto compared = [&](const Browsed& a, const Browsed& b) -> std::strong_ordering {
        if (order.starts_with("created_at")) return a.created_at <=> b.created_at;
        if (order.starts_with("updated_at")) return a.updated_at <=> b.updated_at;
        return a.name <=> b.name;
    };
    std::ranges::sort(items, [&](const Browsed& a, const Browsed& b) {
        const auto way = compared(a, b);
        if (way == 0) return a.name < b.name;
        return order.ends_with("_desc") ? way > 0 : way < 0;
    });
}

}  // namespace

template <class F>
Task<Secret> SecretManager::change_secret(Caller by, SecretId id, F f) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id, f](store::Tx& tx) {
        auto secret = rows::secret(tx, by, ground_, id);
        f(tx, secret);
        secret.updated_at = ground_.clock.now();
        rows::update(tx, secret);
        return secret;
    });
}

Task<Secret> SecretManager::create(Caller by, CreateSecret wish) {
    const auto made = planned(ground_, by, wish);
    co_return co_await ground_.store.write(author_of(by), [this, by, made](store::Tx& tx) {
        check_project(tx, by, made.project);
        if (made.key) check_key(tx, ground_, by, made);
        if (rows::count_in(tx, "secrets", made.project) >= limits::secrets)
            throw Error(Fault::quota, fmt::format("A project has at most {} secrets.", limits::secrets)).about("secret", "");
        rows::check_place(tx, made);
        rows::insert(tx, made);
        return made;
    });
}

Task<Secret> SecretManager::get(Caller by, SecretId id) {
    co_return co_await ground_.store.read([this, by, id](store::Tx& tx) { return rows::secret(tx, by, ground_, id); });
}

Task<Paged<Secret>> SecretManager::list(Caller by, ListSecrets asked, Page page) {
    auto listing = listing_for(ground_, by, asked.project_id);
    narrow(listing, asked.tags, asked.type);
    listing.where_if("name = {}", asked.name).where_if("organization_id = {}", asked.organization_id).order(asked.order_by);
    if (asked.path && !asked.path->empty()) listing.where("path = {}", clean_path(*asked.path));
    if (asked.ephemeral) listing.where(*asked.ephemeral ? "ephemeral_policy is not null" : "ephemeral_policy is null");
    listing.where(asked.scheduled_for_deletion ? "deletion_requested_at is not null" : "deletion_requested_at is null");
    co_return co_await ground_.store.read([listing, page](store::Tx& tx) {
        auto found = listing.page<Secret>(tx, page);
        for (auto& secret : found.items) rows::complete(tx, secret);
        return found;
    });
}

// A folder is there because something lies in it, at any depth.
Task<std::vector<Browsed>> SecretManager::browse(Caller by, BrowseSecrets asked) {
    const auto here = clean_path(asked.prefix.empty() ? "/" : asked.prefix, "prefix");
    auto listing = listing_for(ground_, by, asked.project_id.value_or(by.project));
    narrow(listing, asked.tags, asked.type);
    listing.where("deletion_requested_at is null");
    auto items = co_await ground_.store.read([listing, here](store::Tx& tx) {
        std::vector<Browsed> found;
        std::map<std::string, Browsed> folders;
        const auto below = here == "/" ? here : here + "/";
        for (auto& secret : all_of(tx, listing)) {
            if (secret.path == here) {
                rows::complete(tx, secret);
                found.push_back({secret.name, secret.created_at, secret.updated_at, secret});
            } else if (secret.path.starts_with(below)) {
                const auto name = secret.path.substr(below.size(), secret.path.find('/', below.size()) - below.size());
                auto& folder = folders.try_emplace(name, Browsed{name, secret.created_at, secret.updated_at, {}}).first->second;
                folder.created_at = std::min(folder.created_at, secret.created_at);
                folder.updated_at = std::max(folder.updated_at, secret.updated_at);
            }
        }
        for (auto& [name, folder] : folders) found.push_back(std::move(folder));
        return found;
    });
    sort_items(items, asked.order_by);
    co_return items;
}

Task<Secret> SecretManager::change(Caller by, SecretId id, UpdateSecret change) {
    if (change.name) check_name(*change.name);
    if (change.tags) check_tags(*change.tags);
    check_description(change.description);
    const auto policy = clean_policy(change.ephemeral_policy);
    co_return co_await change_secret(std::move(by), id, [change, policy](store::Tx& tx, Secret& secret) {
        secret.name = change.name.value_or(secret.name);
        secret.tags = change.tags.value_or(secret.tags);
        if (change.path && !change.path->empty()) secret.path = clean_path(*change.path);
        if (change.description) secret.description = change.description;
        if (change.ephemeral_policy) secret.ephemeral_policy = policy;
        rows::check_place(tx, secret);
    });
}

Task<Secret> SecretManager::protect(Caller by, SecretId id, bool is_protected) {
    co_return co_await change_secret(std::move(by), id, [is_protected](store::Tx&, Secret& secret) { secret.is_protected = is_protected; });
}

Task<> SecretManager::add_owner(Caller by, SecretId id, Product product) {
    if (product == Product::unknown_product) wrong("product", "Name a product: edge_services or s2s_vpn.");
    co_await change_secret(std::move(by), id, [product](store::Tx&, Secret& secret) {
        if (std::ranges::find(secret.used_by, product) == secret.used_by.end()) secret.used_by.push_back(product);
    });
}

Task<> SecretManager::schedule_deletion(Caller by, SecretId id) {
    co_await change_secret(std::move(by), id, [this](store::Tx&, Secret& secret) {
        if (secret.is_protected) not_yet("The secret is protected. Remove its protection first.", "secret", secret.id.str());
        secret.deletion_requested_at = ground_.clock.now();
    });
}

// With the versions whose deletion was asked for.
Task<Secret> SecretManager::restore(Caller by, SecretId id) {
    co_return co_await ground_.store.write(author_of(by), [this, by, id](store::Tx& tx) {
        auto secret = rows::secret(tx, by, ground_, id, rows::Which::any);
        if (!secret.deletion_requested_at) not_yet("The secret is not scheduled for deletion.", "secret", id.str());
        if (secret.key && rows::key(tx, *secret.key).deletion_requested_at)
            not_yet("The key that this secret is sealed under is scheduled for deletion. Restore the key first.", "key", secret.key->str());
        secret.deletion_requested_at.reset();
        secret.updated_at = ground_.clock.now();
        rows::check_place(tx, secret);
        tx.run(
            "update secret_versions set status = case when was_enabled = 1 then 'enabled' else 'disabled' end, deletion_requested_at = "
            "null, "
            "updated_at = $2 where secret_id = $1 and status = 'scheduled_for_deletion'",
            id, secret.updated_at);
        rows::update(tx, secret);
        rows::complete(tx, secret);
        return secret;
    });
}

Task<Paged<std::string>> SecretManager::tags(Caller by, std::optional<ProjectId> project, Page page) {
    auto listing = listing_for(ground_, by, project.value_or(by.project));
    listing.where("tags <> '[]'").where("deletion_requested_at is null");
    co_return co_await ground_.store.read([listing, page](store::Tx& tx) {
        std::vector<std::string> all;
        for (const auto& secret : all_of(tx, listing)) all.insert(all.end(), secret.tags.begin(), secret.tags.end());
        return sorted_page(std::move(all), page);
    });
}

Task<Paged<SecretType>> SecretManager::types(Caller by, std::optional<ProjectId> project, Page page) {
    auto listing = listing_for(ground_, by, project.value_or(by.project));
    listing.where("deletion_requested_at is null");
    co_return co_await ground_.store.read([listing, page](store::Tx& tx) {
        std::vector<SecretType> all;
        for (const auto& secret : all_of(tx, listing)) all.push_back(secret.type);
        return sorted_page(std::move(all), page);
    });
}

}  // namespace meridian::secrets
