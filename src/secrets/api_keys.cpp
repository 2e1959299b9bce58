// key-manager/v1alpha1: keys, their rotations and their material.
#include "secrets/api.h"

#include <algorithm>

namespace meridian::secrets {
namespace {

using http::Call;

KeyId id_in(const http::Called& call) { return http::id_param<KeyId>(call, "key_id"); }

using KeyList = http::Listed<"keys", Key>;

Task<KeyList> list(KeyManager& keys, Call<ListKeys> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    co_return KeyList(co_await keys.list(by, call.in, call.page()));
}

Task<http::Created<Key>> create(KeyManager& keys, Call<CreateKey> call) {
    co_return http::Created<Key>{co_await keys.create(call.caller_as<Caller>(), call.in)};
}
Task<Key> get(KeyManager& keys, Call<> call) { co_return co_await keys.get(call.caller_as<Caller>(), id_in(call)); }
Task<Key> update(KeyManager& keys, Call<UpdateKey> call) { co_return co_await keys.change(call.caller_as<Caller>(), id_in(call), call.in); }
Task<http::NoContent> remove(KeyManager& keys, Call<> call) {
    co_await keys.schedule_deletion(call.caller_as<Caller>(), id_in(call));
    co_return http::NoContent{};
}
Task<Key> restore(KeyManager& keys, Call<> call) { co_return co_await keys.restore(call.caller_as<Caller>(), id_in(call)); }
Task<Key> rotate(KeyManager& keys, Call<> call) { co_return co_await keys.rotate(call.caller_as<Caller>(), id_in(call)); }
Task<Key> protect(KeyManager& keys, Call<> call) { co_return co_await keys.protect(call.caller_as<Caller>(), id_in(call), true); }
Task<Key> unprotect(KeyManager& keys, Call<> call) { co_return co_await keys.protect(call.caller_as<Caller>(), id_in(call), false); }
Task<Key> enable(KeyManager& keys, Call<> call) { co_return co_await keys.enable(call.caller_as<Caller>(), id_in(call), true); }
Task<Key> disable(KeyManager& keys, Call<> call) { co_return co_await keys.enable(call.caller_as<Caller>(), id_in(call), false); }

using RotationList = http::Listed<"rotations", KeyRotation>;

Task<RotationList> rotations(KeyManager& keys, Call<ListRotations> call) {
    co_return RotationList(co_await keys.rotations(call.caller_as<Caller>(), id_in(call), call.in, call.page()));
}

struct PublicKeyView {
    std::string pem;
};
constexpr auto schema_name(As<PublicKeyView>) { return std::string_view("key_manager.PublicKey"); }
constexpr auto describe(As<PublicKeyView>) { return fields(field("pem", &PublicKeyView::pem)); }

Task<PublicKeyView> public_key(KeyManager& keys, Call<> call) {
    co_return PublicKeyView{co_await keys.public_key(call.caller_as<Caller>(), id_in(call))};
}

struct ImportWish {
    std::string wrapping_algorithm;
};
constexpr auto schema_name(As<ImportWish>) { return std::string_view("key_manager.GenerateKeyMaterialImportParametersRequest"); }
constexpr auto describe(As<ImportWish>) { return fields(field("wrapping_algorithm", &ImportWish::wrapping_algorithm)); }
struct ImportView {
    KeyId key_id;
    Bytes public_key, import_token;
};
constexpr auto schema_name(As<ImportView>) { return std::string_view("key_manager.GenerateKeyMaterialImportParametersResponse"); }
constexpr auto describe(As<ImportView>) {
    return fields(field("key_id", &ImportView::key_id), field("public_key", &ImportView::public_key),
                  field("import_token", &ImportView::import_token));
}

Task<ImportView> import_parameters(KeyManager& keys, Call<ImportWish> call) {
    auto made = co_await keys.import_parameters(call.caller_as<Caller>(), id_in(call), call.in.wrapping_algorithm);
    co_return ImportView{id_in(call), {std::move(made.public_key)}, {std::move(made.import_token)}};
}
Task<Key> import_material(KeyManager& keys, Call<ImportMaterial> call) {
    co_return co_await keys.import_material(call.caller_as<Caller>(), id_in(call), std::move(call.in));
}

struct DeleteMaterial {
    std::optional<std::uint32_t> key_rotation_index;
};
constexpr auto schema_name(As<DeleteMaterial>) { return std::string_view("key_manager.DeleteKeyMaterialRequest"); }
constexpr auto describe(As<DeleteMaterial>) { return fields(field("key_rotation_index", &DeleteMaterial::key_rotation_index)); }

Task<http::NoContent> delete_material(KeyManager& keys, Call<DeleteMaterial> call) {
    co_await keys.delete_material(call.caller_as<Caller>(), id_in(call), call.in.key_rotation_index);
    co_return http::NoContent{};
}

struct AlgorithmView {
    std::string usage, name;
    bool recommended = false;
};
constexpr auto schema_name(As<AlgorithmView>) { return std::string_view("key_manager.ListAlgorithmsResponseAlgorithm"); }
constexpr auto describe(As<AlgorithmView>) {
    return fields(field("usage", &AlgorithmView::usage), field("name", &AlgorithmView::name),
                  field("recommended", &AlgorithmView::recommended));
}
struct AlgorithmsView {
    std::vector<AlgorithmView> algorithms;
};
constexpr auto schema_name(As<AlgorithmsView>) { return std::string_view("key_manager.ListAlgorithmsResponse"); }
constexpr auto describe(As<AlgorithmsView>) { return fields(field("algorithms", &AlgorithmsView::algorithms)); }
struct UsageFilter {
    std::vector<std::string> usages;
};
constexpr auto describe(As<UsageFilter>) {
    return fields(
        field("usages", &UsageFilter::usages,
              one_of{"unknown_usage", "symmetric_encryption", "asymmetric_encryption", "asymmetric_signing", "key_encapsulation"}));
}

Task<AlgorithmsView> list_algorithms(KeyManager&, Call<UsageFilter> call) {
    auto wanted = call.in.usages;
    std::erase(wanted, "unknown_usage");
    AlgorithmsView made;
    for (const auto& one : algorithms())
        if (wanted.empty() || std::ranges::find(wanted, word(one.usage)) != wanted.end())
            made.algorithms.push_back({std::string(word(one.usage)), std::string(one.name), one.recommended});
    co_return made;
}

}  // namespace

void add_key_routes(http::Router& router, KeyManager& keys) {
    using http::NoContent;
    using http::Nothing;
    const auto all = key_base + "keys", one = all + "/{key_id}";
    const auto doc = [](std::string id, std::string summary) { return http::doc(std::move(id), std::move(summary), "key-manager"); };
    const http::Permission read{"read", "customer_keys"}, change{"update", "customer_keys"};
    add_route<ListKeys, KeyList>(router, keys, "GET", all, read, doc("ListKeys", "List keys"), list);
    add_route<CreateKey, http::Created<Key>>(router, keys, "POST", all, {"create", "customer_keys"}, doc("CreateKey", "Create a key"),
                                             create);
    add_route<Nothing, Key>(router, keys, "GET", one, read, doc("GetKey", "What is said of a key"), get);
    add_route<UpdateKey, Key>(router, keys, "PATCH", one, change, doc("UpdateKey", "Change what is said of a key, and when it rotates"),
                              update);
    add_route<Nothing, NoContent>(router, keys, "DELETE", one, {"remove", "customer_keys"}, doc("DeleteKey", "Schedule a key for deletion"),
                                  remove);
    add_route<Nothing, Key>(router, keys, "POST", one + "/restore", change, doc("RestoreKey", "Keep a key that was to be deleted"),
                            restore);
    add_route<Nothing, Key>(router, keys, "POST", one + "/rotate", change, doc("RotateKey", "Give a symmetric key new material"), rotate);
    add_route<Nothing, Key>(router, keys, "POST", one + "/protect", change, doc("ProtectKey", "Keep a key from being deleted"), protect);
    add_route<Nothing, Key>(router, keys, "POST", one + "/unprotect", change, doc("UnprotectKey", "Let a key be deleted"), unprotect);
    add_route<Nothing, Key>(router, keys, "POST", one + "/enable", change, doc("EnableKey", "Let a key be used"), enable);
    add_route<Nothing, Key>(router, keys, "POST", one + "/disable", change, doc("DisableKey", "Keep a key from being used"), disable);
    add_route<ListRotations, RotationList>(router, keys, "GET", one + "/rotations", read, doc("ListKeyRotations", "Rotations of a key"),
                                           rotations);
    add_route<Nothing, PublicKeyView>(router, keys, "GET", one + "/public-key", read, doc("GetPublicKey", "The public half, in PEM"),
                                      public_key);
    add_route<ImportWish, ImportView>(router, keys, "POST", one + "/import-parameters", change,
                                      doc("GenerateKeyMaterialImportParameters", "A public key to wrap material for"), import_parameters);
    add_route<ImportMaterial, Key>(router, keys, "POST", one + "/import-key-material", change,
                                   doc("ImportKeyMaterial", "Give an external key its material"), import_material);
    add_route<DeleteMaterial, NoContent>(router, keys, "POST", one + "/delete-key-material", {"remove", "customer_keys"},
                                         doc("DeleteKeyMaterial", "Delete material of an external key for good"), delete_material);
    add_route<UsageFilter, AlgorithmsView>(router, keys, "GET", key_base + "algorithms", read,
                                           doc("ListAlgorithms", "What this installation can compute with"), list_algorithms);
}

}  // namespace meridian::secrets
