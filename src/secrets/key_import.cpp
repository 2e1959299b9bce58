// Material that customers bring: as it is over TLS, or wrapped for a key pair that is made for this import alone.
#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/hmac.h"
#include "secrets/sealing.h"
#include "secrets/service.h"

namespace meridian::secrets {
namespace {

using keys::AsymmetricKey;

constexpr std::string_view wrappings[] = {"rsa_oaep_2048_sha256",         "rsa_oaep_3072_sha256",         "rsa_oaep_4096_sha256",
                                          "rsa_aes_key_wrap_2048_sha256", "rsa_aes_key_wrap_3072_sha256", "rsa_aes_key_wrap_4096_sha256"};
constexpr std::size_t aes_bytes = 32, material_max = 16 * 1024;

keys::AsymmetricKind kind_of(std::string_view wrapping) {
    unsigned bits = 0;
    const auto digits = wrapping.substr(wrapping.size() - std::string_view("2048_sha256").size());
    std::from_chars(digits.data(), digits.data() + 4, bits);
    return {keys::Scheme::rsa_oaep, bits, "", "SHA256"};
}

void check_external(const Key& key) {
    if (key.origin != KeyOrigin::external) not_yet("Only a key of origin 'external' takes and gives up material.", "key", key.id.str());
}

std::string token_of(const Ground& ground, const KeyId& key, std::string_view public_der) {
    return std::string(as_view(ground.sealing.mac(public_der, "import token of key " + key.str())));
}

// RFC 5869 with SHA-256, as long as one block.
std::string derived(std::string_view material, std::string_view salt) {
    const auto secret = hmac_sha256(salt, material);
    return std::string(as_view(hmac_sha256(as_view(secret), "meridian key material\x01")));
}

std::string unwrapped(const Ground& ground, const Key& key, std::string_view sealed, const ImportMaterial& brought) {
    const auto pkcs8 = open_import_key(ground, key.id, sealed);
    const auto pair = AsymmetricKey::from_pkcs8(pkcs8.view(), kind_of(*key.import_wrapping), false);
    if (!pair) throw Error(Fault::bug, "A stored import key cannot be read.", pair.error().said);
    if (brought.import_token && !equal_in_constant_time(brought.import_token->bytes, token_of(ground, key.id, pair->public_der())))
        wrong("import_token", "This is not the token of the import parameters in force.");
    const auto& bytes = brought.key_material.bytes;
    auto opened = key.import_wrapping->starts_with("rsa_oaep") ? pair->decrypt(bytes) : pair->unwrap(bytes);
    if (!opened)
        wrong("key_material", fmt::format("Import parameters are in force until {}, and this was not wrapped for their public key with {}.",
                                          rfc3339(*key.import_until), *key.import_wrapping));
    return *std::move(opened);
}

// What is kept of what was brought.
std::string usable(const Key& key, std::string material, const std::optional<Bytes>& salt) {
    if (key.use != Usage::symmetric_encryption) {
        if (salt) wrong("salt", "A private key is taken as it is, without a salt.");
        const auto read = AsymmetricKey::from_pkcs8(material, key.algorithm().kind);
        if (!read) wrong("key_material", fmt::format("A key for {} is needed: {}.", key.algorithm_name, read.error().said));
        return material;
    }
    if (salt) {
        if (material.size() < aes_bytes) wrong("key_material", "Material to derive a key from has 32 bytes or more.");
        return derived(material, salt->bytes);
    }
    if (material.size() != aes_bytes) wrong("key_material", "An AES-256 key has 32 bytes. Give a salt to derive one from other material.");
    return material;
}

}  // namespace

Task<ImportParameters> KeyManager::import_parameters(Caller by, KeyId id, std::string wrapping) {
    if (std::ranges::find(wrappings, wrapping) == std::end(wrappings))
        wrong("wrapping_algorithm", fmt::format("Use {} or another of rsa_oaep_* and rsa_aes_key_wrap_*.", wrappings[1]));
    check_external(co_await get(by, id));
    const auto pair = co_await ground_.making_keys.run([kind = kind_of(wrapping)] { return AsymmetricKey::generate(kind); });
    ImportParameters made{.public_key = pair.public_der(), .import_token = token_of(ground_, id, pair.public_der())};
    const auto sealed = seal_import_key(ground_, id, keys::SecretBytes(pair.pkcs8()).view());
    co_await ground_.store.write(author_of(by), [this, by, id, wrapping, sealed](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id);
        check_external(key);
        key.import_wrapping = wrapping;
        key.updated_at = ground_.clock.now();
        key.import_until = key.updated_at + std::chrono::floor<std::chrono::microseconds>(limits::import_window);
        rows::keep_import_key(tx, id, sealed);
        rows::update(tx, key);
    });
    co_return made;
}

Task<Key> KeyManager::import_material(Caller by, KeyId id, ImportMaterial brought) {
    if (brought.key_material.bytes.size() > material_max)
        wrong("key_material", fmt::format("Material has at most {} bytes.", material_max));
    struct Seen {
        Key key;
        std::optional<std::string> import_key;
    };
    const auto seen = co_await ground_.store.read([&](store::Tx& tx) {
        Seen made{rows::key(tx, by, ground_, id), rows::sealed_import_key(tx, id)};
        check_external(made.key);
        if (!made.key.import_until || *made.key.import_until <= ground_.clock.now()) made.import_key.reset();
        return made;
    });
    const auto sealed = co_await ground_.using_keys.run([&] {
        auto material = seen.import_key ? unwrapped(ground_, seen.key, *seen.import_key, brought) : brought.key_material.bytes;
        const keys::SecretBytes kept(usable(seen.key, std::move(material), brought.salt));
        return seal_material(ground_, id, seen.key.newest + 1, kept.view());
    });
    co_return co_await ground_.store.write(author_of(by), [&](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id);
        if (key.newest != seen.key.newest || key.import_until != seen.key.import_until)
            throw Error(Fault::conflict, "The key was given other material meanwhile. Look at it and try again.")
                .about("key", id.str())
                .in_state(std::string(word(key.state)));
        if (key.newest >= limits::rotations)
            throw Error(Fault::quota, fmt::format("A key rotates at most {} times.", limits::rotations)).about("key_rotation", "");
        if (key.use != Usage::symmetric_encryption && key.newest > 0)
            not_yet("This key had a pair of keys already, and others hold its public half. Create a new key instead.", "key", id.str());
        key.import_wrapping.reset();
        key.import_until.reset();
        rows::keep_import_key(tx, id, std::nullopt);
        rows::add_rotation(tx, key, sealed, true, ground_.clock.now());
        return key;
    });
}

Task<> KeyManager::delete_material(Caller by, KeyId id, std::optional<std::uint32_t> rotation) {
    co_await ground_.store.write(author_of(by), [this, by, id, rotation](store::Tx& tx) {
        auto key = rows::key(tx, by, ground_, id);
        check_external(key);
        if (key.is_protected) not_yet("The key is protected. Remove its protection first.", "key", id.str());
        if (rows::has_secrets(tx, id)) still_in_use("Secrets are sealed under this key. Delete them first.", "key", id.str());
        if (rotation && *rotation == 0) wrong("key_rotation_index", "Rotations are counted from 1.");
        if (!rows::forget_material(tx, key, rotation, ground_.clock.now()))
            throw Error(Fault::not_found, "The key has no such material.").about("key_rotation", rotation ? std::to_string(*rotation) : "");
    });
}

}  // namespace meridian::secrets
