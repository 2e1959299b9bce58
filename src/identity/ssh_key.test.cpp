#include "identity/ssh_key.h"

#include <gtest/gtest.h>

namespace meridian::identity {
namespace {

// Made with `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -lf` printed of it.
const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK+XCESM/oHaIO/DS5rDWqx5jH5qbBnnb8+eFdl5wtV9";
const std::string fingerprint = "SHA256:NNc5cUsacJ747fDxBQ6mExg4tFSuRSkXwLxyVzARS/o";

TEST(SshKey, IsReadWithItsFingerprint) {
    for (const auto& text : {key, key + "\n", key + " somebody@somewhere", "  " + key}) {
        const auto read = read_ssh_public_key(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(read->type, "ssh-ed25519");
        EXPECT_EQ(read->fingerprint, fingerprint);
    }
}

TEST(SshKey, IsNoneOfWhatIsBrokenOrOfAnotherType) {
    const auto base64 = key.substr(key.find(' ') + 1);
    for (const auto& text : {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 "), "ssh-rsa " + base64,
                             "ssh-dss " + base64, "ssh-ed25519 " + base64.substr(0, 20) + "!" + base64.substr(21), key + "\n" + key, base64,
                             std::string("-----BEGIN OPENSSH PRIVATE KEY-----")})
        EXPECT_FALSE(read_ssh_public_key(text)) << text;
}

}  // namespace
}  // namespace meridian::identity
