// What the files of this room share: the effects that both managers stand on, and the rules of what callers may write.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "identity/service.h"
#include "keys/keys.h"
#include "resource/fields.h"
#include "secrets/turns.h"
#include "store/store.h"

namespace meridian::secrets {

using identity::Caller;

struct Ground {
    store::Store& store;
    const keys::SealingKey& sealing;  // the control plane's: all that is sealed here is sealed under it, or under a key that is
    Turns& using_keys;                // what computes with a key: a few milliseconds, for RSA
    Turns& making_keys;               // up to seconds, for RSA
    std::string region;
    Clock& clock;
    Rng& rng;
};

// Bytes, which travel as base64.
struct Bytes {
    std::string bytes;
    static std::optional<Bytes> parse(std::string_view text) {
        auto bytes = unbase64(text);
        return bytes ? std::optional(Bytes{*std::move(bytes)}) : std::nullopt;
    }
    [[nodiscard]] std::string str() const { return base64(bytes); }
};
constexpr std::string_view in_words(As<Bytes>) { return "base64"; }

[[noreturn]] void wrong(std::string field, std::string said);
// Error{precondition}.
[[noreturn]] void not_yet(std::string said, std::string what, std::string id);
[[noreturn]] void still_in_use(std::string said, std::string what, std::string id);

void check_name(std::string_view name);
void check_tags(const std::vector<std::string>& tags);
void check_description(const std::optional<std::string>& text);
// "/": with a leading one and no trailing one. Error{invalid}.
std::string clean_path(std::string_view path, std::string field = "path");

}  // namespace meridian::secrets
