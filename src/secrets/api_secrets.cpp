// secret-manager/v1beta1: secrets, folders, tags and types.
#include "secrets/api.h"

namespace meridian::secrets {
namespace {

using http::Call;

// With nested objects left out where there are none: exactly one of `secret` and `folder` is set.
Json item_json(const Browsed& item) {
    JsonObject made{{"name", item.name}, {"created_at", rfc3339(item.created_at)}, {"updated_at", rfc3339(item.updated_at)}};
    if (item.secret) {
        const auto& secret = *item.secret;
        made["secret"] = JsonObject{{"id", secret.id.str()},
                                    {"tags", to_json(secret.tags)},
                                    {"version_count", secret.version_count},
                                    {"protected", secret.is_protected},
                                    {"ephemeral_policy", to_json(secret.ephemeral_policy)},
                                    {"type", word(secret.type)}};
    } else {
        made["folder"] = JsonObject();
    }
    return made;
}

SecretId id_in(const http::Called& call) { return http::id_param<SecretId>(call, "secret_id"); }

using SecretList = http::Listed<"secrets", Secret>;

Task<SecretList> list(SecretManager& secrets, Call<ListSecrets> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    co_return SecretList(co_await secrets.list(by, call.in, call.page()));
}

Task<Json> browse(SecretManager& secrets, Call<BrowseSecrets> call) {
    const auto here = clean_path(call.in.prefix.empty() ? "/" : call.in.prefix, "prefix");
    const auto page = page_of(co_await secrets.browse(call.caller_as<Caller>(), call.in), call.page());
    JsonArray items;
    for (const auto& item : page.items) items.push_back(item_json(item));
    co_return JsonObject{{"items", std::move(items)}, {"current_path", here}, {"total_count", page.total_count}};
}

Task<http::Created<Secret>> create(SecretManager& secrets, Call<CreateSecret> call) {
    co_return http::Created<Secret>{co_await secrets.create(call.caller_as<Caller>(), call.in)};
}

Task<Secret> get(SecretManager& secrets, Call<> call) { co_return co_await secrets.get(call.caller_as<Caller>(), id_in(call)); }

Task<Secret> update(SecretManager& secrets, Call<UpdateSecret> call) {
    co_return co_await secrets.change(call.caller_as<Caller>(), id_in(call), call.in);
}

Task<http::NoContent> remove(SecretManager& secrets, Call<> call) {
    co_await secrets.schedule_deletion(call.caller_as<Caller>(), id_in(call));
    co_return http::NoContent{};
}

Task<Secret> protect(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.protect(call.caller_as<Caller>(), id_in(call), true);
}
Task<Secret> unprotect(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.protect(call.caller_as<Caller>(), id_in(call), false);
}
Task<Secret> restore(SecretManager& secrets, Call<> call) { co_return co_await secrets.restore(call.caller_as<Caller>(), id_in(call)); }

Task<http::NoContent> add_owner(SecretManager& secrets, Call<AddOwner> call) {
    co_await secrets.add_owner(call.caller_as<Caller>(), id_in(call), call.in.product);
    co_return http::NoContent{};
}

using TagList = http::Listed<"tags", std::string>;
using TypeList = http::Listed<"types", SecretType>;

Task<TagList> tags(SecretManager& secrets, Call<> call) {
    co_return TagList(co_await secrets.tags(call.caller_as<Caller>(), http::query_id<ProjectId>(call, "project_id"), call.page()));
}
Task<TypeList> types(SecretManager& secrets, Call<> call) {
    co_return TypeList(co_await secrets.types(call.caller_as<Caller>(), http::query_id<ProjectId>(call, "project_id"), call.page()));
}

}  // namespace

void add_secret_routes(http::Router& router, SecretManager& secrets) {
    using http::NoContent;
    using http::Nothing;
    const auto all = secret_base + "secrets", one = all + "/{secret_id}";
    const auto doc = [](std::string id, std::string summary) { return http::doc(std::move(id), std::move(summary), "secret-manager"); };
    add_route<ListSecrets, SecretList>(router, secrets, "GET", all, {"read", "secrets"}, doc("ListSecrets", "List secrets"), list);
    add_route<BrowseSecrets, Json>(router, secrets, "GET", all + "/browse", {"read", "secrets"},
                                   doc("BrowseSecrets", "Folders and secrets at a path"), browse);
    add_route<CreateSecret, http::Created<Secret>>(router, secrets, "POST", all, {"create", "secrets"},
                                                   doc("CreateSecret", "Create a secret, without data yet"), create);
    add_route<Nothing, Secret>(router, secrets, "GET", one, {"read", "secrets"}, doc("GetSecret", "What is said of a secret"), get);
    add_route<UpdateSecret, Secret>(router, secrets, "PATCH", one, {"update", "secrets"},
                                    doc("UpdateSecret", "Change what is said of a secret"), update);
    add_route<Nothing, NoContent>(router, secrets, "DELETE", one, {"remove", "secrets"},
                                  doc("DeleteSecret", "Schedule a secret for deletion"), remove);
    add_route<Nothing, Secret>(router, secrets, "POST", one + "/protect", {"update", "secrets"},
                               doc("ProtectSecret", "Keep a secret from being deleted"), protect);
    add_route<Nothing, Secret>(router, secrets, "POST", one + "/unprotect", {"update", "secrets"},
                               doc("UnprotectSecret", "Let a secret be deleted"), unprotect);
    add_route<AddOwner, NoContent>(router, secrets, "POST", one + "/add-owner", {"update", "secrets"},
                                   doc("AddSecretOwner", "Name a product that uses the secret"), add_owner);
    add_route<Nothing, Secret>(router, secrets, "POST", one + "/restore", {"update", "secrets"},
                               doc("RestoreSecret", "Keep a secret that was to be deleted"), restore);
    add_route<Nothing, TagList>(router, secrets, "GET", secret_base + "tags", {"read", "secrets"}, doc("ListTags", "Tags of secrets"),
                                tags);
    add_route<Nothing, TypeList>(router, secrets, "GET", secret_base + "secret-types", {"read", "secrets"},
                                 doc("ListSecretTypes", "Types of the secrets that there are"), types);
}

}  // namespace meridian::secrets
