#include "metering/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "keys/jws.h"
#include "metering/books/event.h"
#include "metering/ledger_meter.h"

namespace meridian::metering {
namespace {

constexpr std::size_t proof_max = 64;  // a longer one belongs to no tree

// What every kind of leaf that has files says of itself.
struct Said {
    std::string id, zone;
    Json json;
};
expected<Said> of_receipt(std::string_view leaf) {
    auto receipt = read_leaf(leaf);
    if (!receipt) return std::unexpected(receipt.error());
    return Said{receipt->id.str(), std::move(receipt->zone), std::move(receipt->json)};
}
expected<Said> of_event(std::string_view leaf) {
    const auto event = read_event(leaf);
    if (!event) return std::unexpected(event.error());
    auto json = parse_json(leaf).value();
    const auto* zone = text_member(json, "zone");
    if (!zone) return complaint("the event lacks its zone");
    return Said{event->id.str(), std::string(view(*zone)), std::move(json)};
}

// The kinds: what the file calls itself, under which member it shows the leaf, which is the type that the leaf names, and how it is read.
struct Form {
    std::string_view file_type, noun;
    expected<Said> (*read)(std::string_view leaf);
};
constexpr Form forms[] = {{"meridian-receipt/v1", "receipt", of_receipt}, {"meridian-event/v1", "event", of_event}};

std::optional<std::string> bytes_in(const Json& json) {
    const auto* text = json.if_string();
    auto bytes = text ? unbase64(view(*text)) : std::nullopt;
    return bytes && base64(*bytes) == view(*text) ? bytes : std::nullopt;
}

std::optional<std::uint64_t> count_in(const Json& json) {
    const auto* number = json.if_int64();
    return number && *number >= 0 ? std::optional<std::uint64_t>(*number) : std::nullopt;
}

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
    auto json = parse_json(leaf).value();
    const auto* type = text_member(json, "type");
    const auto* form = type ? std::ranges::find(forms, view(*type), &Form::noun) : std::end(forms);
    MERIDIAN_ASSERT(form != std::end(forms));
    return JsonObject{{"type", form->file_type},
                      {form->noun, std::move(json)},
                      {"leaf", base64(leaf)},
                      {"index", static_cast<std::int64_t>(index)},
                      {"tree_size", static_cast<std::int64_t>(tree_size)},
                      {"inclusion", hashes_json(inclusion)},
                      {"checkpoint", note},
                      {"verifier_key", key.str()}};
}

expected<LeafProof> check_proof(std::string_view text, std::span<const VerifierKey> trusted) {
    const auto json = parse_json(text);
    if (!json || !json->is_object()) return complaint("it is no JSON object");
    const auto* type = text_member(*json, "type");
    const auto* form = type ? std::ranges::find(forms, view(*type), &Form::file_type) : std::end(forms);
    if (form == std::end(forms)) return complaint("it is no file of a receipt or of an event");
    const std::array keys{std::string_view("type"),       form->noun,
                          std::string_view("leaf"),       std::string_view("index"),
                          std::string_view("tree_size"),  std::string_view("inclusion"),
                          std::string_view("checkpoint"), std::string_view("verifier_key")};
    for (const auto key : keys)
        if (!member(*json, key)) return complaint(fmt::format("`{}` is missing", key));
    if (json->as_object().size() != keys.size()) return complaint("it has a member that such files do not have");

    const auto leaf = bytes_in(*member(*json, "leaf"));
    const auto index = count_in(*member(*json, "index")), tree_size = count_in(*member(*json, "tree_size"));
    const auto inclusion = hashes_in(*member(*json, "inclusion"));
    const auto* note = text_member(*json, "checkpoint");
    const auto* key_text = text_member(*json, "verifier_key");
    if (!leaf || !index || !tree_size || !inclusion || !note || !key_text) return complaint("a member is not of its form");
    auto facts = form->read(*leaf);
    if (!facts) return std::unexpected(facts.error());
    if (facts->json != *member(*json, form->noun)) return complaint(fmt::format("`{}` is not what the signed leaf says", form->noun));

    const auto key = VerifierKey::parse(view(*key_text));
    if (!key) return std::unexpected(key.error());
    if (!trusted.empty() && std::ranges::find(trusted, key->str(), &VerifierKey::str) == trusted.end())
        return complaint(fmt::format("it is signed by {}, which is not the key that you trust", key->str()));
    // The log's name is derived from its key, and its zone is the leaf's.
    if (key->name != origin_of(facts->zone, key->key)) return complaint(fmt::format("the key is not that of the {}'s zone", form->noun));
    auto checkpoint = read_note(view(*note), *key);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    if (checkpoint->size != *tree_size) return complaint("`tree_size` is not the checkpoint's");
    if (!includes(checkpoint->root, *tree_size, leaf_hash(*leaf), *index, *inclusion))
        return complaint(fmt::format("the {} is not in the signed log", form->noun));
    return LeafProof{form->noun, std::move(facts->id), *leaf, *index, std::move(*checkpoint), *key};
}

std::uint64_t LedgerMeter::index_of(const RunId& id) {
    const std::lock_guard lock(mutex_);
    const auto index = book_.index_of(id);
    if (!index) throw Error(Fault::not_found, "The log has nothing with this id.").about("leaf", id.str());
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
    return keys::compact_jws(key_, header, journal_.read(place));
}

}  // namespace meridian::metering
