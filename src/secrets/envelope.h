// What a symmetric key encrypts to: which rotation it was, and the sealed bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::secrets {

struct Envelope {
    std::uint32_t rotation = 0;
    std::string_view sealed;  // as keys::SealingKey gives it
};
std::string envelope_of(std::uint32_t rotation, std::string_view sealed);
// Nothing for bytes that are no envelope of ours.
std::optional<Envelope> read_envelope(std::string_view ciphertext);

}  // namespace meridian::secrets
