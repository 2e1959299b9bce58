// The key files. Each is two lines, so that a person who finds one knows what it is; the second is the key in hex.
#include <fmt/format.h>

#include "keys/keys.h"

namespace meridian::keys {
namespace {

constexpr std::string_view signing_title = "meridian signing key, Ed25519 seed. Secret.";
constexpr const char* next_name = "/signing.key.next";
constexpr std::string_view sealing_title = "meridian sealing key, AES-256. Secret.";

std::string text_of(std::string_view title, std::string_view key) {
    return fmt::format("{}\n{}\n", title, hex({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}));
}

std::optional<std::string> key_in(std::string_view title, std::string_view text) {
    if (!text.starts_with(title)) return std::nullopt;
    text.remove_prefix(title.size());
    if (!text.starts_with('\n') || !text.ends_with('\n') || text.size() != 66) return std::nullopt;
    return unhex(text.substr(1, 64));
}

std::unexpected<Diagnostic> damaged(const std::string& path) {
    return complaint(fmt::format("The key file {} is damaged. Bring it back from a backup with `meridian restore`.", path));
}

// The key in the file; a new one, made durable first, when there is none.
expected<std::string> key_of(Disk& disk, Rng& rng, const std::string& path, std::string_view title) {
    const auto text = disk.read_file(path);
    if (text) {
        if (auto key = key_in(title, *text)) return *key;
        return damaged(path);
    }
    if (text.error().kind != DiskError::Kind::not_found)
        return complaint(fmt::format("The key file {} cannot be read: {}.", path, text.error().said));
    std::string key(32, '\0');
    rng.fill(std::as_writable_bytes(std::span(key)));
    if (const auto done = disk.replace_file(path, text_of(title, key)); !done)
        return complaint(fmt::format("The key file {} cannot be written: {}.", path, done.error().said));
    return key;
}

}  // namespace

expected<KeyRing> KeyRing::open(Disk& disk, Rng& rng, const std::string& directory) {
    const std::string signing_path = directory + "/signing.key", sealing_path = directory + "/sealing.key";
    if (const auto made = disk.make_durable_directories(directory); !made)
        return complaint(fmt::format("The key directory {} cannot be made: {}.", directory, made.error().said));
    // The sealing key is written first. The other alone means that it was lost, and a new one would open no sealed secret.
    const auto has_signing = disk.exists(signing_path), has_sealing = disk.exists(sealing_path);
    if (has_signing && *has_signing && has_sealing && !*has_sealing)
        return complaint(
            fmt::format("The key file {} is missing, and sealed secrets cannot be opened without it. Bring it back from a backup with "
                        "`meridian restore`.",
                        sealing_path));
    const auto sealing_bytes = key_of(disk, rng, sealing_path, sealing_title);
    if (!sealing_bytes) return std::unexpected(sealing_bytes.error());
    const auto signing_seed = key_of(disk, rng, signing_path, signing_title);
    if (!signing_seed) return std::unexpected(signing_seed.error());
    auto signing = SigningKey::from_seed(*signing_seed);
    auto sealing = SealingKey::from_bytes(*sealing_bytes);
    if (!signing) return damaged(signing_path);
    if (!sealing) return damaged(sealing_path);
    return KeyRing{std::move(*signing), *sealing};
}

expected<SigningKey> next_signing_key(Disk& disk, Rng& rng, const std::string& directory) {
    const auto path = directory + next_name;
    const auto seed = key_of(disk, rng, path, signing_title);
    if (!seed) return std::unexpected(seed.error());
    auto key = SigningKey::from_seed(*seed);
    if (!key) return damaged(path);
    return key;
}

expected<void> take_next_signing_key(Disk& disk, const std::string& directory) {
    const auto is_there = disk.exists(directory + next_name);
    if (is_there && !*is_there) return {};
    auto done = is_there ? disk.rename(directory + next_name, directory + "/signing.key") : std::unexpected(is_there.error());
    if (done) done = disk.sync_directory(directory);
    if (!done) return complaint(fmt::format("The new signing key cannot be put in its place: {}.", done.error().said));
    return {};
}

}  // namespace meridian::keys
