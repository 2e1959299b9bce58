#include "metering/note.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/number.h"

namespace meridian::metering {
namespace {

constexpr std::string_view dash = "\xE2\x80\x94 ";  // begins every signature line
constexpr std::size_t note_max = 64 * 1024;
constexpr std::size_t hash_bytes = 4;

std::string_view bytes_of(const keys::PublicKey& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }

// Only what our encoder writes: then equal notes are equal bytes.
std::optional<std::string> strict_base64(std::string_view text) {
    auto bytes = unbase64(text);
    if (!bytes || base64(*bytes) != text) return std::nullopt;
    return bytes;
}

bool is_name(std::string_view text) {
    return !text.empty() && is_utf8(text) &&
           std::ranges::none_of(text, [](char c) { return c == '+' || (c >= 0 && c <= ' ') || c == '\x7f'; });
}

}  // namespace

std::optional<std::uint64_t> note_number(std::string_view text) {
    return text.size() > 1 && text.front() == '0' ? std::nullopt : whole_number<std::uint64_t>(text);
}

std::optional<std::string_view> take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto found = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return found;
}

std::string origin_of(std::string_view zone, const keys::PublicKey& key) {
    const auto digest = sha256(bytes_of(key));
    return fmt::format("meridian/{}/{}", zone, hex(std::span(digest).first(4)));
}

std::string VerifierKey::hash() const {
    const auto digest = sha256(fmt::format("{}\n{}{}", name, static_cast<char>(kind), bytes_of(key)));
    return std::string(as_view(digest).substr(0, hash_bytes));
}

std::string VerifierKey::str() const {
    const auto bytes = hash();
    return fmt::format("{}+{}+{}", name, hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}),
                       base64(std::string(1, static_cast<char>(kind)) + std::string(bytes_of(key))));
}

expected<VerifierKey> VerifierKey::parse(std::string_view text, KeyKind kind) {
    const auto bad = [] { return complaint("this is no verifier key (NAME+HASH+KEY)"); };
    const auto first = text.find('+');
    const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
    if (second == std::string_view::npos) return bad();
    VerifierKey made{std::string(text.substr(0, first)), {}, kind};
    const auto bytes = strict_base64(text.substr(second + 1));
    if (!is_name(made.name) || !bytes || bytes->size() != 33) return bad();
    if (bytes->front() != static_cast<char>(kind))
        return complaint(kind == KeyKind::log ? "this is no verifier key of a log" : "this is no verifier key of a witness");
    std::memcpy(made.key.data(), bytes->data() + 1, 32);
    if (made.str() != text) return complaint("the verifier key's hash does not fit its name and key");
    return made;
}

expected<Note> split_note(std::string_view note) {
    const auto gap = note.rfind("\n\n");
    if (gap == std::string_view::npos || note.size() > note_max || !note.ends_with('\n'))
        return complaint("the checkpoint is no signed note");
    Note made{note.substr(0, gap + 1), {}};
    for (auto rest = note.substr(gap + 2); !rest.empty();) {
        const auto broken = [] { return complaint("the checkpoint has a broken signature line"); };
        const auto each = take_line(rest);
        if (!each || !each->starts_with(dash)) return broken();
        const auto words = each->substr(dash.size());
        const auto blank = words.find(' ');
        const auto bytes = blank == std::string_view::npos ? std::nullopt : strict_base64(words.substr(blank + 1));
        if (!bytes || bytes->size() <= hash_bytes || !is_name(words.substr(0, blank))) return broken();
        made.signatures.push_back({words.substr(0, blank), bytes->substr(0, hash_bytes), bytes->substr(hash_bytes)});
    }
    return made;
}

std::vector<std::string_view> Note::by(const VerifierKey& key) const {
    std::vector<std::string_view> found;
    const auto hash = key.hash();
    for (const auto& each : signatures)
        if (each.name == key.name && each.hash == hash) found.push_back(each.signature);
    return found;
}

std::string signature_line(const VerifierKey& key, std::string_view signature) {
    return fmt::format("{}{} {}\n", dash, key.name, base64(key.hash() + std::string(signature)));
}

std::string signed_note(const Checkpoint& checkpoint, const keys::SigningKey& key) {
    const auto text = fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, base64(as_view(checkpoint.root)));
    const auto signature = key.sign(text);
    const std::string_view bytes(reinterpret_cast<const char*>(signature.data()), signature.size());
    return fmt::format("{}\n{}", text, signature_line({checkpoint.origin, key.public_key()}, bytes));
}

expected<Checkpoint> read_note(std::string_view note) {
    const auto gap = note.rfind("\n\n");
    if (gap == std::string_view::npos || note.size() > note_max || !note.ends_with('\n'))
        return complaint("the checkpoint is no signed note");
    auto rest = note.substr(0, gap + 1);
    const auto origin = take_line(rest), size = take_line(rest), root = take_line(rest);
    if (!origin || !size || !root || !is_name(*origin)) return complaint("the checkpoint lacks a line");
    const auto number = note_number(*size);
    const auto bytes = strict_base64(*root);
    if (!number || !bytes || bytes->size() != 32) return complaint("the checkpoint's size or root cannot be read");
    Checkpoint made{std::string(*origin), *number, {}};
    std::memcpy(made.root.data(), bytes->data(), 32);
    return made;
}

expected<Checkpoint> read_note(std::string_view note, const VerifierKey& key) {
    auto checkpoint = read_note(note);
    if (!checkpoint) return checkpoint;
    if (checkpoint->origin != key.name)
        return complaint(fmt::format("the checkpoint is of the log {}, not of {}", checkpoint->origin, key.name));
    const auto parts = split_note(note);
    if (!parts) return std::unexpected(parts.error());
    const auto signatures = parts->by(key);
    for (const auto signature : signatures)
        if (!keys::verify(key.key, parts->text, signature)) return complaint("the checkpoint's signature is wrong");
    if (signatures.empty()) return complaint(fmt::format("the checkpoint is not signed by {}", key.str()));
    return checkpoint;
}

}  // namespace meridian::metering
