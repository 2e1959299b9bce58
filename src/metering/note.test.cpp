#include "metering/note.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace meridian::metering {
namespace {

struct Log {
    SeededRng rng{7};
    keys::SigningKey key = keys::SigningKey::generate(rng);
    VerifierKey verifier{origin_of("fr-par-1", key.public_key()), key.public_key()};
    Checkpoint checkpoint{verifier.name, 42, sha256("root")};
    std::string note = signed_note(checkpoint, key);
};

// The example in the documentation of Go's note package.
TEST(VerifierKeys, AreThoseOfGo) {
    const std::string text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const auto key = VerifierKey::parse(text);
    ASSERT_TRUE(key) << key.error().said;
    EXPECT_EQ(key->name, "PeterNeumann");
    EXPECT_EQ(key->str(), text);
    const std::string_view message =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const auto line = *unbase64("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=");
    EXPECT_TRUE(keys::verify(key->key, message, line.substr(4)));
}

TEST(VerifierKeys, RefuseOtherForms) {
    for (const auto* bad : {"", "a", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                            "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq_LDE4izWy10TW", "PeterNeumann+c74f20a3+ARpc"})
        EXPECT_FALSE(VerifierKey::parse(bad)) << bad;
}

TEST(Notes, HaveTheFormOfSignedNotes) {
    const Log log;
    EXPECT_EQ(log.verifier.name, "meridian/fr-par-1/" + log.key.key_id().substr(0, 8));
    const auto body = log.verifier.name + "\n42\n" + base64(as_view(sha256("root"))) + "\n";
    ASSERT_TRUE(log.note.starts_with(body + "\n\xE2\x80\x94 " + log.verifier.name + " "));
    ASSERT_TRUE(log.note.ends_with("\n"));
    const auto line = log.note.substr(log.note.rfind(' ') + 1);
    const auto bytes = *unbase64(line.substr(0, line.size() - 1));
    ASSERT_EQ(bytes.size(), 68u);
    EXPECT_TRUE(keys::verify(log.key.public_key(), body, bytes.substr(4)));
    const auto read = read_note(log.note, log.verifier);
    ASSERT_TRUE(read) << read.error().said;
    EXPECT_EQ(read->size, 42u);
    EXPECT_EQ(read->root, sha256("root"));
}

TEST(Notes, MayCarrySignaturesOfOthers) {
    Log log;
    const auto other = keys::SigningKey::generate(log.rng);
    const auto theirs = signed_note({"witness.example", 42, sha256("root")}, other);
    EXPECT_TRUE(read_note(log.note + theirs.substr(theirs.find("\n\n") + 2), log.verifier));
    EXPECT_FALSE(read_note(log.note.substr(0, log.note.find("\n\n") + 2) + theirs.substr(theirs.find("\n\n") + 2), log.verifier));
}

TEST(Notes, RejectEveryChangedByte) {
    const Log log;
    for (std::size_t i = 0; i < log.note.size(); ++i) {
        for (const int bit : {0, 5}) {
            auto note = log.note;
            note[i] = static_cast<char>(note[i] ^ (1 << bit));
            EXPECT_FALSE(read_note(note, log.verifier)) << i;
        }
        EXPECT_FALSE(read_note(log.note.substr(0, i), log.verifier)) << i;
    }
}

}  // namespace
}  // namespace meridian::metering
