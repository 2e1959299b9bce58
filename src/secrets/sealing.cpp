#include "secrets/sealing.h"

#include <fmt/format.h>

#include "base/error.h"
#include "secrets/envelope.h"

namespace meridian::secrets {
namespace {

std::string context_of_material(const KeyId& key, std::uint32_t rotation) {
    return fmt::format("material of key {} rotation {}", key.str(), rotation);
}
std::string context_of_import(const KeyId& key) { return "import of key " + key.str(); }
std::string context_of_use(const KeyId& key, std::uint32_t rotation, Purpose purpose, std::string_view associated) {
    return fmt::format("key {} rotation {} for {}\n{}", key.str(), rotation, purpose == Purpose::callers ? "callers" : "secrets",
                       associated);
}
std::string context_of_data(const SecretId& secret, std::uint32_t revision) {
    return fmt::format("secret {} revision {}", secret.str(), revision);
}
std::string context_of_data_key(const SecretId& secret, std::uint32_t revision) {
    return fmt::format("data key of secret {} revision {}", secret.str(), revision);
}

[[noreturn]] void damaged(std::string row) {
    throw Error(Fault::bug, "A sealed secret does not open.", std::move(row) + " was sealed with another sealing key, or was damaged");
}

keys::SealingKey key_of(std::string_view bytes) {
    auto key = keys::SealingKey::from_bytes(bytes);
    MERIDIAN_ASSERT(key.has_value());
    return *key;
}

}  // namespace

std::string seal_material(const Ground& ground, const KeyId& key, std::uint32_t rotation, std::string_view material) {
    return ground.sealing.seal(material, context_of_material(key, rotation), ground.rng);
}

keys::SecretBytes open_material(store::Tx& tx, const Ground& ground, const KeyId& key, std::uint32_t rotation) {
    const auto sealed = rows::sealed_material(tx, key, rotation);
    if (!sealed)
        not_yet("The material of this rotation of the key was deleted, and what it encrypted does not open any more.", "key", key.str());
    auto opened = ground.sealing.open(*sealed, context_of_material(key, rotation));
    if (!opened) damaged(context_of_material(key, rotation));
    return keys::SecretBytes(*std::move(opened));
}

std::string seal_import_key(const Ground& ground, const KeyId& key, std::string_view pkcs8) {
    return ground.sealing.seal(pkcs8, context_of_import(key), ground.rng);
}

keys::SecretBytes open_import_key(const Ground& ground, const KeyId& key, std::string_view sealed) {
    auto opened = ground.sealing.open(sealed, context_of_import(key));
    if (!opened) damaged(context_of_import(key));
    return keys::SecretBytes(*std::move(opened));
}

void check_usable(const Key& key) {
    switch (key.state) {
        case KeyState::enabled:
            return;
        case KeyState::disabled:
            not_yet("The key is disabled. Enable it first.", "key", key.id.str());
        case KeyState::pending_key_material:
            not_yet("The key has no material yet. Import some first.", "key", key.id.str());
        case KeyState::scheduled_for_deletion:
            not_yet("The key is scheduled for deletion. Restore it first.", "key", key.id.str());
    }
}

keys::SecretBytes random_key(Rng& rng) {
    std::string bytes(32, '\0');
    rng.fill(std::as_writable_bytes(std::span(bytes)));
    return keys::SecretBytes(std::move(bytes));
}

std::string seal_with(const Ground& ground, const Key& key, std::string_view material, std::string_view plaintext, Purpose purpose,
                      std::string_view associated) {
    return envelope_of(key.current, key_of(material).seal(plaintext, context_of_use(key.id, key.current, purpose, associated), ground.rng));
}

std::optional<std::string> open_with(const KeyId& key, std::uint32_t rotation, std::string_view material, std::string_view sealed,
                                     Purpose purpose, std::string_view associated) {
    auto opened = key_of(material).open(sealed, context_of_use(key, rotation, purpose, associated));
    return opened ? std::optional(*std::move(opened)) : std::nullopt;
}

rows::SealedData seal_version(store::Tx& tx, const Ground& ground, const Secret& secret, std::uint32_t revision, std::string_view data) {
    const auto data_key = random_key(ground.rng);
    const auto place = context_of_data_key(secret.id, revision);
    rows::SealedData made;
    made.data = key_of(data_key.view()).seal(data, context_of_data(secret.id, revision), ground.rng);
    if (!secret.key) {
        made.data_key = ground.sealing.seal(data_key.view(), place, ground.rng);
        return made;
    }
    const auto key = rows::key(tx, *secret.key);
    check_usable(key);
    made.data_key = seal_with(ground, key, open_material(tx, ground, key.id, key.current).view(), data_key.view(), Purpose::secrets, place);
    return made;
}

std::string open_version(store::Tx& tx, const Ground& ground, const SecretVersion& version) {
    const auto sealed = rows::sealed_data(tx, version);
    const auto place = context_of_data_key(version.secret, version.revision);
    std::optional<std::string> data_key;
    if (version.key) {
        const auto key = rows::key(tx, *version.key);
        check_usable(key);
        const auto envelope = read_envelope(sealed.data_key);
        if (!envelope) damaged(place);
        const auto material = open_material(tx, ground, key.id, envelope->rotation);
        data_key = open_with(key.id, envelope->rotation, material.view(), envelope->sealed, Purpose::secrets, place);
    } else if (auto opened = ground.sealing.open(sealed.data_key, place)) {
        data_key = *std::move(opened);
    }
    if (!data_key) damaged(place);
    const keys::SecretBytes key(*std::move(data_key));
    auto data = key_of(key.view()).open(sealed.data, context_of_data(version.secret, version.revision));
    if (!data) damaged(context_of_data(version.secret, version.revision));
    return *std::move(data);
}

}  // namespace meridian::secrets
