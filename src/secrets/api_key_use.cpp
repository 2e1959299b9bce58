// key-manager/v1alpha1: what keys are used for.
#include "secrets/api.h"

namespace meridian::secrets {

namespace {

using http::Call;

KeyId id_in(const http::Called& call) { return http::id_param<KeyId>(call, "key_id"); }

struct Plain {
    Bytes plaintext;
    std::optional<Bytes> associated_data;
};
constexpr auto schema_name(As<Plain>) { return std::string_view("key_manager.EncryptRequest"); }
constexpr auto describe(As<Plain>) {
    return fields(field("plaintext", &Plain::plaintext), field("associated_data", &Plain::associated_data));
}
struct Hidden {
    Bytes ciphertext;
    std::optional<Bytes> associated_data;
};
constexpr auto schema_name(As<Hidden>) { return std::string_view("key_manager.DecryptRequest"); }
constexpr auto describe(As<Hidden>) {
    return fields(field("ciphertext", &Hidden::ciphertext), field("associated_data", &Hidden::associated_data));
}
struct EncryptView {
    KeyId key_id;
    Bytes ciphertext;
};
constexpr auto schema_name(As<EncryptView>) { return std::string_view("key_manager.EncryptResponse"); }
constexpr auto describe(As<EncryptView>) {
    return fields(field("key_id", &EncryptView::key_id), field("ciphertext", &EncryptView::ciphertext));
}
struct DecryptView {
    KeyId key_id;
    Bytes plaintext;
    std::optional<Bytes> ciphertext;
};
constexpr auto schema_name(As<DecryptView>) { return std::string_view("key_manager.DecryptResponse"); }
constexpr auto describe(As<DecryptView>) {
    return fields(field("key_id", &DecryptView::key_id), field("plaintext", &DecryptView::plaintext),
                  field("ciphertext", &DecryptView::ciphertext));
}
struct UnwrapView {
    KeyId key_id;
    Bytes plaintext;
};
constexpr auto schema_name(As<UnwrapView>) { return std::string_view("key_manager.UnwrapKeyResponse"); }
constexpr auto describe(As<UnwrapView>) { return fields(field("key_id", &UnwrapView::key_id), field("plaintext", &UnwrapView::plaintext)); }

std::string or_nothing(std::optional<Bytes>& given) { return given ? std::move(given->bytes) : std::string(); }

Task<EncryptView> encrypt(KeyManager& keys, Call<Plain> call) {
    co_return EncryptView{id_in(call),
                          {co_await keys.encrypt(call.caller_as<Caller>(), id_in(call), std::move(call.in.plaintext.bytes),
                                                 or_nothing(call.in.associated_data))}};
}
Task<EncryptView> wrap(KeyManager& keys, Call<Plain> call) {
    co_return EncryptView{id_in(call),
                          {co_await keys.wrap(call.caller_as<Caller>(), id_in(call), std::move(call.in.plaintext.bytes),
                                              or_nothing(call.in.associated_data))}};
}
Task<DecryptView> decrypt(KeyManager& keys, Call<Hidden> call) {
    auto opened = co_await keys.decrypt(call.caller_as<Caller>(), id_in(call), std::move(call.in.ciphertext.bytes),
                                        or_nothing(call.in.associated_data));
    DecryptView view{id_in(call), {std::move(opened.plaintext)}, {}};
    if (opened.ciphertext) view.ciphertext = Bytes{*std::move(opened.ciphertext)};
    co_return view;
}
Task<UnwrapView> unwrap(KeyManager& keys, Call<Hidden> call) {
    co_return UnwrapView{id_in(call),
                         {co_await keys.unwrap(call.caller_as<Caller>(), id_in(call), std::move(call.in.ciphertext.bytes),
                                               or_nothing(call.in.associated_data))}};
}

struct DataKeyWish {
    std::string algorithm = "aes_256_gcm";
    bool without_plaintext = false;
};
constexpr auto schema_name(As<DataKeyWish>) { return std::string_view("key_manager.GenerateDataKeyRequest"); }
constexpr auto describe(As<DataKeyWish>) {
    return fields(field("algorithm", &DataKeyWish::algorithm, defaulted, one_of{"aes_256_gcm", "unknown_symmetric_encryption", ""}),
                  field("without_plaintext", &DataKeyWish::without_plaintext, defaulted));
}
struct DataKeyView {
    KeyId key_id;
    std::string algorithm = "aes_256_gcm";
    Bytes ciphertext;
    std::optional<Bytes> plaintext;
    Timestamp created_at;
};
constexpr auto schema_name(As<DataKeyView>) { return std::string_view("key_manager.DataKey"); }
constexpr auto describe(As<DataKeyView>) {
    using D = DataKeyView;
    return fields(field("key_id", &D::key_id), field("algorithm", &D::algorithm), field("ciphertext", &D::ciphertext),
                  field("plaintext", &D::plaintext), field("created_at", &D::created_at));
}

Task<DataKeyView> generate_data_key(KeyManager& keys, Call<DataKeyWish> call) {
    auto made = co_await keys.generate_data_key(call.caller_as<Caller>(), id_in(call), !call.in.without_plaintext);
    DataKeyView view;
    view.key_id = id_in(call);
    view.ciphertext.bytes = std::move(made.ciphertext);
    if (made.plaintext) view.plaintext = Bytes{*std::move(made.plaintext)};
    view.created_at = made.created_at;
    co_return view;
}

struct SignWish {
    Bytes digest;
};
constexpr auto schema_name(As<SignWish>) { return std::string_view("key_manager.SignRequest"); }
constexpr auto describe(As<SignWish>) { return fields(field("digest", &SignWish::digest)); }
struct SignView {
    KeyId key_id;
    Bytes signature;
};
constexpr auto schema_name(As<SignView>) { return std::string_view("key_manager.SignResponse"); }
constexpr auto describe(As<SignView>) { return fields(field("key_id", &SignView::key_id), field("signature", &SignView::signature)); }
struct VerifyWish {
    Bytes digest, signature;
};
constexpr auto schema_name(As<VerifyWish>) { return std::string_view("key_manager.VerifyRequest"); }
constexpr auto describe(As<VerifyWish>) { return fields(field("digest", &VerifyWish::digest), field("signature", &VerifyWish::signature)); }
struct VerifyView {
    KeyId key_id;
    bool valid = false;
};
constexpr auto schema_name(As<VerifyView>) { return std::string_view("key_manager.VerifyResponse"); }
constexpr auto describe(As<VerifyView>) { return fields(field("key_id", &VerifyView::key_id), field("valid", &VerifyView::valid)); }

Task<SignView> sign(KeyManager& keys, Call<SignWish> call) {
    co_return SignView{id_in(call), {co_await keys.sign(call.caller_as<Caller>(), id_in(call), std::move(call.in.digest.bytes))}};
}
Task<VerifyView> verify(KeyManager& keys, Call<VerifyWish> call) {
    co_return VerifyView{id_in(call), co_await keys.verify(call.caller_as<Caller>(), id_in(call), std::move(call.in.digest.bytes),
                                                           std::move(call.in.signature.bytes))};
}

}  // namespace

// What makes ciphertexts asks for `encrypt`, what opens them for `decrypt`. A good signature can be seen by who reads the public half.
void add_key_use_routes(http::Router& router, KeyManager& keys) {
    const auto one = key_base + "keys/{key_id}";
    const auto doc = [](std::string id, std::string summary) { return http::doc(std::move(id), std::move(summary), "key-manager"); };
    const http::Permission may_encrypt{"encrypt", "customer_keys"}, may_decrypt{"decrypt", "customer_keys"};
    add_route<Plain, EncryptView>(router, keys, "POST", one + "/encrypt", may_encrypt, doc("Encrypt", "Encrypt up to 64 KiB"), encrypt);
    add_route<Hidden, DecryptView>(router, keys, "POST", one + "/decrypt", may_decrypt, doc("Decrypt", "Decrypt what a key encrypted"),
                                   decrypt);
    add_route<Plain, EncryptView>(router, keys, "POST", one + "/wrap", may_encrypt, doc("WrapKey", "Encrypt another key"), wrap);
    add_route<Hidden, UnwrapView>(router, keys, "POST", one + "/unwrap", may_decrypt, doc("UnwrapKey", "Decrypt a wrapped key"), unwrap);
    add_route<DataKeyWish, DataKeyView>(router, keys, "POST", one + "/generate-data-key", may_encrypt,
                                        doc("GenerateDataKey", "A new key, in the open and encrypted"), generate_data_key);
    add_route<SignWish, SignView>(router, keys, "POST", one + "/sign", {"sign", "customer_keys"}, doc("Sign", "Sign a digest"), sign);
    add_route<VerifyWish, VerifyView>(router, keys, "POST", one + "/verify", {"read", "customer_keys"},
                                      doc("Verify", "Whether a signature is good"), verify);
}

}  // namespace meridian::secrets
