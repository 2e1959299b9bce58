#include "metering/log/succession.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace meridian::metering {
namespace {

constexpr std::string_view endorsement_member = R"(,"endorsement":")";
constexpr std::size_t chain_max = 1000;

std::string_view word(Succession::Cause cause) {
    switch (cause) {
        case Succession::Cause::rotated:
            return "rotated";
        case Succession::Cause::restored:
            return "restored";
    }
    return "";
}

// What the key before signs: a leaf without its last member. Names of logs and keys have no character that JSON would escape.
std::string statement(const Succession& s) {
    return fmt::format(R"({{"type":"log","cause":"{}","from":"{}","from_size":{},"from_root":"{}","kept":{},"to":"{}","at":"{}")",
                       word(s.cause), s.from.str(), s.last.size, base64(as_view(s.last.root)), s.kept, s.to.str(), rfc3339(s.at));
}

std::string text_in(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::string(view(*text)) : std::string();
}

}  // namespace

std::string succession_leaf(const Succession& made, const keys::SigningKey& from) {
    MERIDIAN_ASSERT(made.from.key == from.public_key() && made.last.origin == made.from.name && made.kept <= made.last.size);
    auto leaf = statement(made);
    const auto signature = from.sign(leaf);
    leaf += endorsement_member;
    leaf += base64({reinterpret_cast<const char*>(signature.data()), signature.size()});
    return leaf + "\"}";
}

expected<Succession> read_succession(std::string_view leaf) {
    const auto bad = [] { return complaint("a change of the log's key cannot be read"); };
    const auto json = parse_json(leaf);
    if (!json || !json->is_object()) return bad();
    auto from = VerifierKey::parse(text_in(*json, "from")), to = VerifierKey::parse(text_in(*json, "to"));
    const auto root = unbase64(text_in(*json, "from_root"));
    const auto at = parse_rfc3339(text_in(*json, "at"));
    const auto *size = member(*json, "from_size"), *kept = member(*json, "kept");
    if (!from || !to || !root || root->size() != 32 || !at || !size || !size->is_int64() || !kept || !kept->is_int64()) return bad();
    const auto cause =
        text_in(*json, "cause") == word(Succession::Cause::rotated) ? Succession::Cause::rotated : Succession::Cause::restored;
    Succession made{cause, std::move(*from), std::move(*to), {}, static_cast<std::uint64_t>(kept->get_int64()), *at};
    made.last = {made.from.name, static_cast<std::uint64_t>(size->get_int64()), {}};
    std::ranges::copy(*root, reinterpret_cast<char*>(made.last.root.data()));
    if (size->get_int64() < 0 || kept->get_int64() < 0 || made.kept > made.last.size || made.to.name == made.from.name) return bad();
    const auto signed_text = statement(made);
    const auto signature = unbase64(text_in(*json, "endorsement"));
    if (!signature || leaf != fmt::format("{}{}{}\"}}", signed_text, endorsement_member, base64(*signature))) return bad();
    if (!keys::verify(made.from.key, signed_text, *signature))
        return complaint("a change of the log's key is not signed by the key before");
    return made;
}

std::string chain_text(const std::vector<VerifierKey>& chain) {
    std::string text;
    for (const auto& key : chain) text += key.str() + "\n";
    return text;
}

expected<std::vector<VerifierKey>> read_chain(Disk& disk, const std::string& directory, const VerifierKey& present) {
    const auto text = disk.read_file(directory + "/keys");
    if (!text && text.error().kind == DiskError::Kind::not_found) return std::vector{present};
    const auto bad = [&](std::string_view why) {
        return complaint(fmt::format("{}/keys, the keys of the log, cannot be used: {}. Bring it back from a backup.", directory, why));
    };
    if (!text) return bad(text.error().said);
    std::vector<VerifierKey> chain;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto end = rest.find('\n');
        if (end == std::string_view::npos || chain.size() == chain_max) return bad("a line does not end, or there are too many");
        auto key = VerifierKey::parse(rest.substr(0, end));
        if (!key) return bad(key.error().said);
        chain.push_back(std::move(*key));
        rest.remove_prefix(end + 1);
    }
    if (chain.empty() || chain.back().str() != present.str())
        return bad(
            fmt::format("the last one is not {}; if a change of keys was begun, run `meridian log rotate-key` again", present.str()));
    return chain;
}

}  // namespace meridian::metering
