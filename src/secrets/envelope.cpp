#include "secrets/envelope.h"

namespace meridian::secrets {
namespace {

// Another form gets another last byte.
constexpr std::string_view mark("MK\x01", 3);
constexpr std::size_t head = mark.size() + 4;

}  // namespace

std::string envelope_of(std::uint32_t rotation, std::string_view sealed) {
    std::string made(mark);
    for (const int shift : {24, 16, 8, 0}) made += static_cast<char>(rotation >> shift & 0xff);
    return made.append(sealed);
}

std::optional<Envelope> read_envelope(std::string_view ciphertext) {
    if (ciphertext.size() <= head || !ciphertext.starts_with(mark)) return std::nullopt;
    Envelope made;
    for (const char c : ciphertext.substr(mark.size(), 4)) made.rotation = made.rotation << 8 | static_cast<std::uint8_t>(c);
    if (made.rotation == 0) return std::nullopt;
    made.sealed = ciphertext.substr(head);
    return made;
}

}  // namespace meridian::secrets
