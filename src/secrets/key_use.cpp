// What keys are for. Rows are read in one transaction; what the key then computes is done beside it.
#include <fmt/format.h>

#include "base/error.h"
#include "secrets/envelope.h"
#include "secrets/sealing.h"
#include "secrets/service.h"

namespace meridian::secrets {
namespace {

using keys::AsymmetricKey;

struct Material {
    Key key;
    keys::SecretBytes bytes;  // of the current rotation
    Envelope envelope = {};   // of what is to be decrypted, and the material of its rotation
    keys::SecretBytes of_envelope = {};
};

void check_use(const Key& key, Usage usage) {
    if (key.use != usage)
        not_yet(fmt::format("This key is for {}; the operation needs one for {}.", word(key.use), word(usage)), "key", key.id.str());
}
void check_encrypts(const Key& key) {
    if (key.use == Usage::asymmetric_signing) check_use(key, Usage::symmetric_encryption);
}
void check_associated(const Key& key, const std::string& associated) {
    if (key.use != Usage::symmetric_encryption && !associated.empty())
        wrong("associated_data", "Only symmetric keys take associated data.");
}
void check_size(const std::string& bytes, std::size_t most, const char* field) {
    if (bytes.empty() || bytes.size() > most) wrong(field, fmt::format("This is 1 to {} bytes long, before base64.", most));
}

[[noreturn]] void not_ours() { wrong("ciphertext", "This was not encrypted with this key and this associated data, or was damaged."); }

Material material_of(store::Tx& tx, const Ground& ground, const Caller& by, const KeyId& id) {
    Material made{.key = rows::key(tx, by, ground, id), .bytes = {}};
    check_usable(made.key);
    made.bytes = open_material(tx, ground, id, made.key.current);
    return made;
}

AsymmetricKey key_in(const Material& material) {
    auto key = AsymmetricKey::from_pkcs8(material.bytes.view(), material.key.algorithm().kind, false);
    if (!key) throw Error(Fault::bug, "A stored key cannot be read.", key.error().said);
    return std::move(*key);
}

std::string encrypted(const Ground& ground, const Material& material, const std::string& plaintext, const std::string& associated) {
    if (material.key.use == Usage::symmetric_encryption)
        return seal_with(ground, material.key, material.bytes.view(), plaintext, Purpose::callers, associated);
    auto made = key_in(material).encrypt(plaintext);
    if (!made) wrong("plaintext", "This is too long for the key: an RSA key encrypts as many bytes as it has, less 66.");
    return *std::move(made);
}

Decrypted decrypted(const Ground& ground, const Material& material, const std::string& ciphertext, const std::string& associated) {
    Decrypted made;
    if (material.key.use != Usage::symmetric_encryption) {
        auto opened = key_in(material).decrypt(ciphertext);
        if (!opened) not_ours();
        made.plaintext = *std::move(opened);
        return made;
    }
    const auto& [rotation, sealed] = material.envelope;
    auto opened = open_with(material.key.id, rotation, material.of_envelope.view(), sealed, Purpose::callers, associated);
    if (!opened) not_ours();
    made.plaintext = *std::move(opened);
    if (rotation != material.key.current) made.ciphertext = encrypted(ground, material, made.plaintext, associated);
    return made;
}

}  // namespace

Task<std::string> KeyManager::encrypt(Caller by, KeyId id, std::string plaintext, std::string associated) {
    check_size(plaintext, limits::plaintext_bytes, "plaintext");
    auto material = co_await ground_.store.read([&](store::Tx& tx) {
        auto made = material_of(tx, ground_, by, id);
        check_encrypts(made.key);
        check_associated(made.key, associated);
        return made;
    });
    co_return co_await ground_.using_keys.run([&] { return encrypted(ground_, material, plaintext, associated); });
}

Task<Decrypted> KeyManager::decrypt(Caller by, KeyId id, std::string ciphertext, std::string associated) {
    check_size(ciphertext, limits::ciphertext_bytes, "ciphertext");
    auto material = co_await ground_.store.read([&](store::Tx& tx) {
        auto made = material_of(tx, ground_, by, id);
        check_encrypts(made.key);
        check_associated(made.key, associated);
        if (made.key.use != Usage::symmetric_encryption) return made;
        const auto envelope = read_envelope(ciphertext);
        if (!envelope || envelope->rotation > made.key.newest) not_ours();
        made.envelope = *envelope;
        made.of_envelope = open_material(tx, ground_, id, envelope->rotation);
        return made;
    });
    co_return co_await ground_.using_keys.run([&] { return decrypted(ground_, material, ciphertext, associated); });
}

Task<std::string> KeyManager::wrap(Caller by, KeyId id, std::string plaintext, std::string associated) {
    check_size(plaintext, limits::wrapped_plaintext_bytes, "plaintext");
    const auto key = co_await get(by, id);
    check_use(key, Usage::symmetric_encryption);
    co_return co_await encrypt(std::move(by), id, std::move(plaintext), std::move(associated));
}

Task<std::string> KeyManager::unwrap(Caller by, KeyId id, std::string ciphertext, std::string associated) {
    check_size(ciphertext, limits::wrapped_ciphertext_bytes, "ciphertext");
    const auto key = co_await get(by, id);
    check_use(key, Usage::symmetric_encryption);
    auto opened = co_await decrypt(std::move(by), id, std::move(ciphertext), std::move(associated));
    co_return std::move(opened.plaintext);
}

Task<NewDataKey> KeyManager::generate_data_key(Caller by, KeyId id, bool is_plaintext_wanted) {
    co_return co_await ground_.store.read([&](store::Tx& tx) {
        const auto material = material_of(tx, ground_, by, id);
        check_use(material.key, Usage::symmetric_encryption);
        const std::string plaintext(random_key(ground_.rng).view());
        NewDataKey made;
        made.ciphertext = encrypted(ground_, material, plaintext, "");
        made.created_at = ground_.clock.now();
        if (is_plaintext_wanted) made.plaintext = plaintext;
        return made;
    });
}

Task<std::string> KeyManager::sign(Caller by, KeyId id, std::string digest) {
    const auto material = co_await ground_.store.read([&](store::Tx& tx) {
        auto made = material_of(tx, ground_, by, id);
        check_use(made.key, Usage::asymmetric_signing);
        return made;
    });
    const auto size = digest_bytes(material.key.algorithm().kind);
    if (digest.size() != size)
        wrong("digest", fmt::format("A digest for {} has {} bytes, before base64.", material.key.algorithm_name, size));
    co_return co_await ground_.using_keys.run([&] { return key_in(material).sign(digest).value(); });
}

Task<bool> KeyManager::verify(Caller by, KeyId id, std::string digest, std::string signature) {
    const auto material = co_await ground_.store.read([&](store::Tx& tx) {
        auto made = material_of(tx, ground_, by, id);
        check_use(made.key, Usage::asymmetric_signing);
        return made;
    });
    const auto size = digest_bytes(material.key.algorithm().kind);
    if (digest.size() != size)
        wrong("digest", fmt::format("A digest for {} has {} bytes, before base64.", material.key.algorithm_name, size));
    co_return co_await ground_.using_keys.run([&] { return key_in(material).verify(digest, signature); });
}

Task<std::string> KeyManager::public_key(Caller by, KeyId id) {
    const auto material = co_await ground_.store.read([&](store::Tx& tx) {
        Material made{.key = rows::key(tx, by, ground_, id), .bytes = {}};
        if (made.key.use == Usage::symmetric_encryption) not_yet("A symmetric key has no public half.", "key", id.str());
        if (made.key.current == 0) check_usable(made.key);
        made.bytes = open_material(tx, ground_, id, made.key.current);
        return made;
    });
    co_return co_await ground_.using_keys.run([&] { return key_in(material).public_pem(); });
}

}  // namespace meridian::secrets
