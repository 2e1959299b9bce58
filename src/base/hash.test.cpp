#include "base/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meridian {
namespace {

std::string counting(int from, int step) {
    std::string bytes;
    for (int i = 0; i < 32; ++i, from += step) bytes += static_cast<char>(from);
    return bytes;
}
std::string digest(std::string_view text) {
    const auto d = sha256(text);
    return hex(d);
}

TEST(Sha256, MatchesTheStandard) {
    EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(parse_sha256(digest("abc")), sha256("abc"));
    EXPECT_FALSE(parse_sha256("ba78"));
}

TEST(Sha256, AStreamOfPartsIsTheWhole) {
    rc::check("however it is cut", [](const std::vector<std::string>& parts) {
        Sha256Stream stream;
        std::string whole;
        for (const auto& part : parts) {
            stream.add(part);
            whole += part;
        }
        auto moved = std::move(stream);
        RC_ASSERT(moved.finish() == sha256(whole));
    });
}

TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(crc32c(counting(0, 1)), 0x46dd794eu);
    EXPECT_EQ(crc32c(counting(31, -1)), 0x113fdb5cu);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, GoesOnFromTheBytesBefore) {
    rc::check("wherever it is cut", [](const std::string& a, const std::string& b) { RC_ASSERT(crc32c(b, crc32c(a)) == crc32c(a + b)); });
}

TEST(Hex, UnhexUndoesIt) {
    EXPECT_EQ(unhex("00fFa5"), std::string("\x00\xff\xa5", 3));
    for (const auto* text : {"0", "0g", "0x00", " 00", "0 "}) EXPECT_FALSE(unhex(text)) << text;
    rc::check("for all bytes",
              [](const std::vector<std::uint8_t>& bytes) { RC_ASSERT(unhex(hex(bytes)) == std::string(bytes.begin(), bytes.end())); });
}

TEST(Base64, MatchesTheVectorsOfRfc4648) {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : rows) EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
    EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
    EXPECT_EQ(base64url("f"), "Zg");
}

TEST(Base64, UnbaseUndoesBothAlphabetsWithAndWithoutPadding) {
    rc::check("for all bytes", [](const std::string& bytes) {
        RC_ASSERT(unbase64(base64(bytes)) == bytes);
        RC_ASSERT(unbase64(base64url(bytes)) == bytes);
        auto bare = base64(bytes);
        while (bare.ends_with('=')) bare.pop_back();
        RC_ASSERT(unbase64(bare) == bytes);
    });
}

TEST(Base64, RefusesEverythingElse) {
    for (const auto* text :
         {"Z", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "=", "====", "Z=g=", "+_==", "Zm9v=", "Zm9vYg=a", "\xc3\xa9"})
        EXPECT_FALSE(unbase64(text)) << text;
}

TEST(ConstantTime, ComparesWholeTexts) {
    EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_FALSE(equal_in_constant_time("secret", "secreT"));
    EXPECT_FALSE(equal_in_constant_time("secret", "secret "));
}

TEST(Utf8, KnowsTheForbiddenForms) {
    for (const auto* text :
         {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x99", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_utf8(text)) << text;
    const std::pair<const char*, const char*> refused[] = {
        {"\x80", "a lone continuation"},
        {"\xc3", "cut"},
        {"\xc0\xaf", "overlong"},
        {"\xe0\x80\xaf", "overlong"},
        {"\xf0\x80\x80\xaf", "overlong"},
        {"\xed\xa0\x80", "a surrogate"},
        {"\xf4\x90\x80\x80", "beyond Unicode"},
        {"\xf5\x80\x80\x80", "no such lead byte"},
        {"\xff", "no such byte"},
        {"a\xe2\x82", "cut"},
        {"\xe2\x28\xa1", "broken"},
    };
    for (const auto& [text, why] : refused) EXPECT_FALSE(is_utf8(text)) << why;
}

}  // namespace
}  // namespace meridian
