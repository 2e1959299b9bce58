#include "metering/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metering/ledger_meter.h"

namespace meridian::metering {
namespace {

constexpr std::string_view file_type = "meridian-receipt/v1";
constexpr std::size_t proof_max = 64;  // a longer one belongs to no tree

std::optional<std::string> bytes_in(const Json& json) {
    const auto* text = json.if_string();
    auto bytes = text ? unbase64(view(*text)) : std::nullopt;
    return bytes && base64(*bytes) == view(*text) ? bytes : std::nullopt;
}

std::optional<std::uint64_t> count_in(const Json& json) {
    const auto* number = json.if_int64();
    return number && *number >= 0 ? std::optional<std::uint64_t>(*number) : std::nullopt;
}

// The log's name is derived from its key, and its zone is the receipt's.
bool is_of_log(const Receipt& receipt, const VerifierKey& key) { return key.name == origin_of(receipt.zone, key.key); }

}  // namespace

JsonArray hashes_json(const Proof& proof) {
    JsonArray hashes;
    for (const auto& hash : proof) hashes.emplace_back(base64(as_view(hash)));
    return hashes;
}

std::optional<Proof> hashes_in(const Json& json) {
    const auto* list = json.if_array();
    if (!list || list->size() > proof_max) return std::nullopt;
    Proof proof;
    for (const auto& each : *list) {
        const auto bytes = bytes_in(each);
        if (!bytes || bytes->size() != 32) return std::nullopt;
        std::ranges::copy(*bytes, reinterpret_cast<char*>(proof.emplace_back().data()));
    }
    return proof;
}

Json proof_file(std::string_view leaf, std::uint64_t index, const Proof& inclusion, std::uint64_t tree_size, std::string_view note,
                const VerifierKey& key) {
    return JsonObject{{"type", file_type},
                      {"receipt", parse_json(leaf).value()},
                      {"leaf", base64(leaf)},
                      {"index", static_cast<std::int64_t>(index)},
                      {"tree_size", static_cast<std::int64_t>(tree_size)},
                      {"inclusion", hashes_json(inclusion)},
                      {"checkpoint", note},
                      {"verifier_key", key.str()}};
}

expected<ReceiptProof> check_proof(std::string_view text, std::span<const VerifierKey> trusted) {
    const auto json = parse_json(text);
    if (!json || !json->is_object()) return complaint("it is no JSON object");
    const auto* type = text_member(*json, "type");
    if (!type || view(*type) != file_type) return complaint("it is no receipt file of this kind");
    constexpr std::array keys{"type", "receipt", "leaf", "index", "tree_size", "inclusion", "checkpoint", "verifier_key"};
    for (const auto* key : keys)
        if (!member(*json, key)) return complaint(fmt::format("`{}` is missing", key));
    if (json->as_object().size() != keys.size()) return complaint("it has a member that receipt files do not have");

    const auto leaf = bytes_in(*member(*json, "leaf"));
    const auto index = count_in(*member(*json, "index")), tree_size = count_in(*member(*json, "tree_size"));
    const auto inclusion = hashes_in(*member(*json, "inclusion"));
    const auto* note = text_member(*json, "checkpoint");
    const auto* key_text = text_member(*json, "verifier_key");
    if (!leaf || !index || !tree_size || !inclusion || !note || !key_text) return complaint("a member is not of its form");
    const auto receipt = read_leaf(*leaf);
    if (!receipt) return std::unexpected(receipt.error());
    if (receipt->json != *member(*json, "receipt")) return complaint("`receipt` is not what the signed leaf says");

    const auto key = VerifierKey::parse(view(*key_text));
    if (!key) return std::unexpected(key.error());
    if (!trusted.empty() && std::ranges::find(trusted, key->str(), &VerifierKey::str) == trusted.end())
        return complaint(fmt::format("it is signed by {}, which is not the key that you trust", key->str()));
    if (!is_of_log(*receipt, *key)) return complaint("the key is not that of the receipt's zone");
    auto checkpoint = read_note(view(*note), *key);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    if (checkpoint->size != *tree_size) return complaint("`tree_size` is not the checkpoint's");
    if (!includes(checkpoint->root, *tree_size, leaf_hash(*leaf), *index, *inclusion))
        return complaint("the receipt is not in the signed log");
    return ReceiptProof{*leaf, *index, std::move(*checkpoint), *key};
}

std::uint64_t LedgerMeter::index_of(const RunId& id) {
    const std::lock_guard lock(mutex_);
    const auto index = book_.index_of(id);
    if (!index) throw Error(Fault::not_found, "There is no receipt with this id.").about("receipt", id.str());
    return *index;
}

Task<Json> LedgerMeter::proof(RunId id) {
    const auto index = index_of(id);
    co_await reach({0, index + 1});
    co_return co_await on(pool_, [this, index] { return proof_now(index); });
}

Json LedgerMeter::proof_now(std::uint64_t index) {
    Place place;
    std::string note;
    std::uint64_t size = 0;
    {
        const std::lock_guard lock(mutex_);
        place = book_.place(index);
        note = note_;
        size = covered_;
    }
    const auto leaf = journal_.read(place);
    const std::lock_guard lock(tree_mutex_);
    return proof_file(leaf, index, tree_.inclusion(index, size), size, note, verifier_);
}

Task<std::string> LedgerMeter::jws(RunId id) {
    const auto index = index_of(id);
    co_await reach({0, index + 1});
    co_return co_await on(pool_, [this, index] { return jws_now(index); });
}

std::string LedgerMeter::jws_now(std::uint64_t index) {
    Place place;
    {
        const std::lock_guard lock(mutex_);
        place = book_.place(index);
    }
    const auto header = fmt::format(R"({{"alg":"EdDSA","kid":"{}"}})", key_.key_id());
    const auto text = base64url(header) + "." + base64url(journal_.read(place));
    const auto signature = key_.sign(text);
    return text + "." + base64url({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

}  // namespace meridian::metering
