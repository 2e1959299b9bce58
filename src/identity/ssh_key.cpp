#include "identity/ssh_key.h"

#include <algorithm>
#include <cstdint>

#include "base/hash.h"

namespace meridian::identity {
namespace {

constexpr std::string_view types[] = {"ssh-ed25519",
                                      "ssh-rsa",
                                      "ecdsa-sha2-nistp256",
                                      "ecdsa-sha2-nistp384",
                                      "ecdsa-sha2-nistp521",
                                      "sk-ssh-ed25519@openssh.com",
                                      "sk-ecdsa-sha2-nistp256@openssh.com"};

// The next word, and the rest behind it.
std::string_view take_word(std::string_view& text) {
    const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
    const auto end = std::min(text.find_first_of(" \t", begin), text.size());
    const auto word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    return word;
}

// The blob begins with its own type: four bytes of length, most significant first, and that many of text.
bool is_of_type(std::string_view blob, std::string_view type) {
    constexpr std::size_t length_bytes = 4;
    if (blob.size() <= length_bytes + type.size()) return false;
    std::uint32_t length = 0;
    for (const char c : blob.substr(0, length_bytes)) length = length << 8 | static_cast<std::uint8_t>(c);
    return length == type.size() && blob.substr(length_bytes, length) == type;
}

}  // namespace

std::optional<SshPublicKey> read_ssh_public_key(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    if (text.find_first_of("\r\n") != text.npos) return std::nullopt;
    const auto type = take_word(text);
    if (std::ranges::find(types, type) == std::end(types)) return std::nullopt;
    const auto blob = unbase64(take_word(text));
    if (!blob || !is_of_type(*blob, type)) return std::nullopt;
    auto digest = base64(as_view(sha256(*blob)));
    while (digest.ends_with('=')) digest.pop_back();
    return SshPublicKey{std::string(type), "SHA256:" + digest};
}

}  // namespace meridian::identity
