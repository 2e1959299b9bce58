// A token and the keys that it is to be checked against, both from outside.
#include "identity/oidc/id_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const auto cut = all.find('\n');
    if (cut == std::string_view::npos) return 0;
    const auto keys = meridian::parse_json(all.substr(cut + 1));
    if (!keys) return 0;
    (void)meridian::identity::read_id_token(
        all.substr(0, cut), *keys,
        {.issuer = "https://id.example", .client_id = "meridian", .nonce = "n", .groups_claim = "groups", .now = meridian::Timestamp()});
    return 0;
}
