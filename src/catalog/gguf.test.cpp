#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "catalog/service.h"
#include "catalog/testing.h"

namespace meridian::catalog {
namespace {

std::string why(std::string_view bytes) {
    const auto facts = read_gguf(bytes);
    return facts ? "" : facts.error().said;
}

std::string le64(std::uint64_t v) { return {reinterpret_cast<const char*>(&v), sizeof v}; }
std::string le32(std::uint32_t v) { return {reinterpret_cast<const char*>(&v), sizeof v}; }

TEST(Gguf, TellsWhatADeploymentNeeds) {
    const auto facts = read_gguf(talking_gguf().bytes());
    ASSERT_TRUE(facts) << facts.error().said;
    EXPECT_EQ(facts->architecture, "llama");
    EXPECT_EQ(facts->name, "Tiny");
    EXPECT_EQ(facts->licence, "cc0-1.0");
    EXPECT_EQ(facts->parameters, 6464u);
    EXPECT_EQ(facts->bits, 4u);
    EXPECT_EQ(facts->context, 2048u);
    EXPECT_EQ(facts->layers, 2u);
    EXPECT_EQ(facts->embedding_length, 64u);
    EXPECT_EQ(facts->heads, 4u);
    EXPECT_EQ(facts->heads_kv, 2u);
    EXPECT_TRUE(facts->has_chat_template);
    EXPECT_FALSE(facts->template_has_tools);
    EXPECT_FALSE(facts->gives_embeddings);
}

TEST(Gguf, SeesToolsInTheTemplateAndEncodersByTheirAttention) {
    EXPECT_TRUE(read_gguf(talking_gguf("{% if tools %}{{ tools }}{% endif %}").bytes())->template_has_tools);
    EXPECT_FALSE(read_gguf(talking_gguf("").bytes())->has_chat_template);
    GgufWriter encoder(2);
    encoder.text("general.architecture", "encoder").boolean("encoder.attention.causal", false);
    EXPECT_TRUE(read_gguf(encoder.bytes())->gives_embeddings);
    EXPECT_TRUE(read_gguf(GgufWriter().text("general.architecture", "nomic-bert").bytes())->gives_embeddings);
}

TEST(Gguf, PlansForTheLayerWithMostHeads) {
    GgufWriter w;
    w.text("general.architecture", "x").numbers("x.attention.head_count", {8, 16, 12});
    const auto facts = read_gguf(w.bytes());
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->heads, 16u);
    EXPECT_EQ(facts->heads_kv, 16u);
}

TEST(Gguf, RefusesWhatIsBrokenAndSaysWhy) {
    const auto with = [](std::uint32_t kind, const std::string& value) {
        return GgufWriter().text("general.architecture", "x").raw("k", kind, value).bytes(0);
    };
    struct Row {
        std::string_view claim;
        std::string bytes;
        std::string_view said;
    };
    const Row rows[] = {
        {"nothing", "", "ends too early"},
        {"another format", "PK\3\4 and more", "does not begin with GGUF"},
        {"the first version", GgufWriter(1).bytes(), "version 1"},
        {"big-endian", GgufWriter(0x03000000).bytes(), "big-endian"},
        {"more pairs than any model", "GGUF" + le32(3) + le64(0) + le64(1'000'000), "too many"},
        {"more tensors than any model", "GGUF" + le32(3) + le64(~0ull) + le64(0), "too many"},
        {"a key longer than the file", "GGUF" + le32(3) + le64(0) + le64(1) + le64(1'000), "ends too early"},
        {"a key past the format's limit", "GGUF" + le32(3) + le64(0) + le64(1) + le64(70'000), "key is too long"},
        {"a text longer than the file", with(8, le64(~0ull)), "ends too early"},
        {"an unknown value type", with(13, ""), "unknown"},
        {"an endless array", with(9, le32(0) + le64(~0ull)), "too long"},
        {"an array cut off", with(9, le32(4) + le64(10) + "abc"), "ends too early"},
        {"arrays in arrays in arrays",
         with(9, le32(9) + le64(1) + le32(9) + le64(1) + le32(9) + le64(1) + le32(9) + le64(1) + le32(9) + le64(1)), "nested"},
        {"no architecture", GgufWriter().text("general.name", "x").bytes(), "architecture"},
        {"a name that is no text", GgufWriter().text("general.architecture", "\xff\xfe").bytes(), "not text"},
        {"a tensor of five dimensions", GgufWriter().text("general.architecture", "x").tensor("t", {1, 1, 1, 1, 1}, 0).bytes(),
         "dimensions"},
        {"a tensor past 64 bits", GgufWriter().text("general.architecture", "x").tensor("t", {1ull << 40, 1ull << 40}, 0).bytes(),
         "larger than"},
        {"tensors past 64 bits together",
         GgufWriter().text("general.architecture", "x").tensor("t", {1ull << 63}, 0).tensor("u", {1ull << 63}, 0).bytes(), "larger than"},
    };
    for (const auto& row : rows) EXPECT_NE(why(row.bytes).find(row.said), std::string::npos) << row.claim << ": " << why(row.bytes);
}

RC_GTEST_PROP(Gguf, NeverTrustsACutOrAFlippedByte, ()) {
    std::string bytes = talking_gguf().bytes(0);
    const auto whole = bytes.size();
    if (*rc::gen::arbitrary<bool>()) {
        bytes.resize(*rc::gen::inRange<std::size_t>(0, whole));
        RC_ASSERT(!read_gguf(bytes));
    } else {
        bytes[*rc::gen::inRange<std::size_t>(0, whole)] ^= static_cast<char>(*rc::gen::inRange(1, 256));
        (void)read_gguf(bytes);  // an answer or a complaint: the sanitizers watch
    }
}

}  // namespace
}  // namespace meridian::catalog
