// Public SSH keys as people paste them: "ssh-ed25519 AAAA... someone@somewhere" (RFC 4253, section 6.6; the text form of OpenSSH).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace meridian::identity {

struct SshPublicKey {
    std::string type;         // "ssh-ed25519"
    std::string fingerprint;  // "SHA256:" and base64 without padding, as ssh-keygen -l prints it
};

// Nothing for a text that is no public key of one line: an unknown form, broken base64, or a blob of another type than it says.
std::optional<SshPublicKey> read_ssh_public_key(std::string_view text);

}  // namespace meridian::identity
