#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "catalog/names.h"
#include "catalog/service.h"

namespace meridian::catalog {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string_view name(Capability c) { return word(c); }

std::string_view name(Phase phase) {
    switch (phase) {
        case Phase::fetching:
            return "fetching";
        case Phase::verifying:
            return "verifying";
        case Phase::unpacking:
            return "unpacking";
        case Phase::converting:
            return "converting";
        case Phase::ready:
            return "ready";
    }
    MERIDIAN_ASSERT(!"a phase without a name");
}

bool Model::can(Capability c) const { return std::ranges::find(capabilities, c) != capabilities.end(); }

std::uint64_t Model::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& artifact : artifacts) sum += artifact.bytes;
    return sum;
}

bool is_model_name(std::string_view text) {
    if (text.empty() || text.size() > model_name_max || !is_alphanumeric(text.front())) return false;
    return std::ranges::all_of(text,
                               [](char c) { return is_alphanumeric(c) || std::string_view("._-:/").find(c) != std::string_view::npos; });
}

ModelId shipped_model_id(std::string_view name) {
    const Sha256 digest = sha256("meridian/catalog/model/" + std::string(name));
    Uuid uuid;
    std::copy_n(digest.begin(), uuid.bytes.size(), uuid.bytes.begin());
    // RFC 9562, version 8: "made from a name by a rule of our own" (5 would promise SHA-1).
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x80);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
    return ModelId(uuid);
}

}  // namespace meridian::catalog
