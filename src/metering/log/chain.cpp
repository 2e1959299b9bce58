#include "metering/log/chain.h"

#include <fmt/format.h>

#include <algorithm>

#include "metering/log/succession.h"
#include "metering/proof.h"

namespace meridian::metering {
namespace {

constexpr std::string_view file_type = "meridian-log-keys/v1";

}  // namespace

Json chain_file(const PublicLog::Chain& chain, const VerifierKey& present) {
    JsonArray changes;
    for (const auto& each : chain.changes)
        changes.push_back(JsonObject{{"leaf", base64(each.leaf)}, {"index", each.index}, {"inclusion", hashes_json(each.proof)}});
    return JsonObject{
        {"type", file_type}, {"verifier_key", present.str()}, {"checkpoint", chain.checkpoint}, {"changes", std::move(changes)}};
}

// From the trusted key to the present one by the signatures of those that went before; from the present one to all others, because
// the leaves that name them are under its checkpoint.
expected<std::vector<VerifierKey>> check_chain(std::string_view text, const VerifierKey& trusted) {
    const auto json = parse_json(text);
    const auto *type = json ? text_member(*json, "type") : nullptr, *key_text = json ? text_member(*json, "verifier_key") : nullptr;
    const auto* note = json ? text_member(*json, "checkpoint") : nullptr;
    const auto* list = json ? member(*json, "changes") : nullptr;
    if (!type || view(*type) != file_type || !key_text || !note || !list || !list->is_array())
        return complaint("it is no file of a log's keys");
    const auto present = VerifierKey::parse(view(*key_text));
    if (!present) return std::unexpected(present.error());
    const auto checkpoint = read_note(view(*note), *present);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    std::vector<VerifierKey> keys;
    for (const auto& each : list->get_array()) {
        const auto* leaf64 = text_member(each, "leaf");
        const auto *inclusion = member(each, "inclusion"), *index = member(each, "index");
        const auto leaf = leaf64 ? unbase64(view(*leaf64)) : std::nullopt;
        if (leaf && base64(*leaf) != view(*leaf64)) return complaint("a change of keys is not of its form");
        const auto proof = inclusion ? hashes_in(*inclusion) : std::nullopt;
        if (!leaf || !proof || !index || !index->is_int64() || index->get_int64() < 0)
            return complaint("a change of keys is not of its form");
        auto change = read_succession(*leaf);
        if (!change) return std::unexpected(change.error());
        if (!includes(checkpoint->root, checkpoint->size, leaf_hash(*leaf), static_cast<std::uint64_t>(index->get_int64()), *proof))
            return complaint("a change of keys is not in the signed log");
        if (!keys.empty() && keys.back().str() != change->from.str()) return complaint("a change of keys is missing");
        if (keys.empty()) keys.push_back(change->from);
        keys.push_back(change->to);
    }
    if (keys.empty()) keys.push_back(*present);
    if (keys.back().str() != present->str()) return complaint("the last change of keys is missing");
    if (std::ranges::find(keys, trusted.str(), &VerifierKey::str) == keys.end())
        return complaint(fmt::format("the key that you trust, {}, is none of this log's", trusted.str()));
    return keys;
}

expected<std::vector<VerifierKey>> trusted_keys(std::string_view key, std::string_view chain) {
    if (key.empty()) return std::vector<VerifierKey>();
    auto trusted = VerifierKey::parse(key);
    if (!trusted) return complaint(fmt::format("The key to trust cannot be used: {}.", trusted.error().said));
    if (chain.empty()) return std::vector{std::move(*trusted)};
    auto all = check_chain(chain, *trusted);
    if (!all) return complaint(fmt::format("The log's keys do not verify: {}.", all.error().said));
    return all;
}

}  // namespace meridian::metering
