// GGUF version 2 and 3, the header alone: counts, key-value pairs, tensor shapes. Everything in it is foreign, so every length is
// checked against what is left before it is used, and every count has a limit. Weights are never touched.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "base/hash.h"
#include "catalog/service.h"

namespace meridian::catalog {
namespace {

constexpr std::uint64_t pairs_max = 4096;
constexpr std::uint64_t tensors_max = 100'000;
constexpr std::uint64_t key_bytes_max = 65'535;  // the format's own limit
constexpr std::uint64_t array_items_max = 16'000'000;
constexpr std::uint32_t dimensions_max = 4;
constexpr unsigned nested_arrays_max = 4;
constexpr std::size_t text_kept_max = 256 * 1024;  // a chat template; longer ones are cut

enum Kind : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, text, array, u64, i64, f64, kinds };
constexpr std::array<std::size_t, kinds> scalar_bytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Bits of one weight by ggml tensor type, rounded to what people call the format ("Q4_1" is 4).
constexpr std::pair<std::uint32_t, std::uint32_t> tensor_bits[] = {
    {0, 32}, {1, 16},  {2, 4},   {3, 4},   {6, 5},   {7, 5},  {8, 8},   {9, 8},  {10, 2}, {11, 3}, {12, 4},
    {13, 5}, {14, 6},  {15, 8},  {16, 2},  {17, 2},  {18, 3}, {19, 1},  {20, 4}, {21, 3}, {22, 2}, {23, 4},
    {24, 8}, {25, 16}, {26, 32}, {27, 64}, {28, 64}, {29, 1}, {30, 16}, {34, 1}, {35, 2}, {39, 4},
};

struct Malformed {
    std::string said;
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] std::size_t at() const { return at_; }

    std::string_view take(std::uint64_t count) {
        if (count > bytes_.size() - at_) throw Malformed{"the header ends too early; is the file cut off?"};
        const auto piece = bytes_.substr(at_, count);
        at_ += count;
        return piece;
    }
    template <class T>
    T number() {
        T value;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    std::string_view string() { return take(number<std::uint64_t>()); }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
};

// What the pairs say, by key. Only integers and the few texts we ask for are kept.
struct Pairs {
    std::map<std::string, std::uint64_t, std::less<>> integers;
    std::map<std::string, std::string, std::less<>> texts;

    [[nodiscard]] std::string text(std::string_view key) const {
        const auto it = texts.find(key);
        return it == texts.end() ? std::string() : it->second;
    }
    [[nodiscard]] std::uint32_t small(const std::string& key) const {
        const auto it = integers.find(key);
        if (it == integers.end()) return 0;
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(it->second, std::numeric_limits<std::uint32_t>::max()));
    }
};

bool is_wanted_text(std::string_view key) {
    return key == "general.architecture" || key == "general.name" || key == "general.license" || key == "tokenizer.chat_template";
}

// The value where it is a whole number of at least zero.
std::optional<std::uint64_t> scalar(Reader& in, std::uint32_t kind) {
    const auto signed_one = [](std::int64_t v) { return v < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(v)); };
    switch (kind) {
        case u8:
        case boolean:
            return in.number<std::uint8_t>();
        case u16:
            return in.number<std::uint16_t>();
        case u32:
            return in.number<std::uint32_t>();
        case u64:
            return in.number<std::uint64_t>();
        case i8:
            return signed_one(in.number<std::int8_t>());
        case i16:
            return signed_one(in.number<std::int16_t>());
        case i32:
            return signed_one(in.number<std::int32_t>());
        case i64:
            return signed_one(in.number<std::int64_t>());
        case f32:
        case f64:
            in.take(scalar_bytes[kind]);
            return std::nullopt;
        default:
            throw Malformed{fmt::format("value type {} is unknown", kind)};
    }
}

// The largest integer in it: heads may be given for each layer, and the largest is what memory is planned for.
std::optional<std::uint64_t> read_array(Reader& in, unsigned depth) {
    if (depth > nested_arrays_max) throw Malformed{"arrays are nested too deeply"};
    const auto kind = in.number<std::uint32_t>();
    const auto count = in.number<std::uint64_t>();
    if (count > array_items_max) throw Malformed{fmt::format("an array of {} items is too long", count)};
    std::optional<std::uint64_t> largest;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (kind == text) {
            in.string();
        } else {
            largest = std::max(largest, kind == array ? read_array(in, depth + 1) : scalar(in, kind));
        }
    }
    return largest;
}

void read_pair(Reader& in, Pairs& pairs) {
    const auto key_bytes = in.number<std::uint64_t>();
    if (key_bytes > key_bytes_max) throw Malformed{"a key is too long"};
    const auto key = in.take(key_bytes);
    const auto kind = in.number<std::uint32_t>();
    if (kind == text) {
        const auto value = in.string();
        if (is_wanted_text(key)) pairs.texts[std::string(key)] = std::string(value.substr(0, text_kept_max));
    } else if (const auto value = kind == array ? read_array(in, 1) : scalar(in, kind)) {
        pairs.integers[std::string(key)] = *value;
    }
}

struct Weights {
    std::uint64_t count = 0;
    std::map<std::uint32_t, std::uint64_t> by_type;

    // Of the type most weights have.
    [[nodiscard]] std::uint32_t bits() const {
        if (by_type.empty()) return 0;
        const auto most = std::ranges::max_element(by_type, {}, &std::pair<const std::uint32_t, std::uint64_t>::second)->first;
        const auto it = std::ranges::find(tensor_bits, most, &std::pair<std::uint32_t, std::uint32_t>::first);
        return it == std::end(tensor_bits) ? 0 : it->second;
    }
};

void read_tensor(Reader& in, Weights& weights) {
    in.string();
    const auto dimensions = in.number<std::uint32_t>();
    if (dimensions > dimensions_max) throw Malformed{fmt::format("a tensor has {} dimensions", dimensions)};
    std::uint64_t product = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        if (__builtin_mul_overflow(product, in.number<std::uint64_t>(), &product)) throw Malformed{"a tensor is larger than numbers go"};
    }
    const auto type = in.number<std::uint32_t>();
    in.number<std::uint64_t>();  // where its weights are
    if (__builtin_add_overflow(weights.count, product, &weights.count)) throw Malformed{"the tensors are larger than numbers go"};
    weights.by_type[type] += product;
}

// Encoders: they give embeddings and generate nothing. llama.cpp marks them with attention.causal = false.
bool gives_embeddings(const Pairs& pairs, const std::string& architecture) {
    const auto causal = pairs.integers.find(architecture + ".attention.causal");
    return (causal != pairs.integers.end() && causal->second == 0) || architecture.ends_with("bert");
}

GgufFacts facts_from(const Pairs& pairs, const Weights& weights) {
    GgufFacts facts;
    facts.architecture = pairs.text("general.architecture");
    if (facts.architecture.empty()) throw Malformed{"it does not say its architecture"};
    facts.name = pairs.text("general.name");
    facts.licence = pairs.text("general.license");
    for (auto* words : {&facts.architecture, &facts.name, &facts.licence}) {
        if (!is_utf8(*words) || words->size() > 1024) throw Malformed{"a name in it is not text"};
    }
    const std::string& a = facts.architecture;
    facts.context = pairs.small(a + ".context_length");
    facts.layers = pairs.small(a + ".block_count");
    facts.embedding_length = pairs.small(a + ".embedding_length");
    facts.heads = pairs.small(a + ".attention.head_count");
    facts.heads_kv = pairs.small(a + ".attention.head_count_kv");
    if (facts.heads_kv == 0) facts.heads_kv = facts.heads;
    facts.gives_embeddings = gives_embeddings(pairs, a);
    const auto chat = pairs.text("tokenizer.chat_template");
    facts.has_chat_template = !chat.empty();
    facts.template_has_tools = chat.find("tools") != std::string::npos;
    facts.parameters = weights.count;
    facts.bits = weights.bits();
    return facts;
}

GgufFacts read(Reader& in) {
    if (in.take(4) != "GGUF") throw Malformed{"it does not begin with GGUF"};
    const auto version = in.number<std::uint32_t>();
    if (version == 0x02000000 || version == 0x03000000) throw Malformed{"it is made for big-endian machines; convert it"};
    if (version != 2 && version != 3) throw Malformed{fmt::format("GGUF version {} is not supported, only 2 and 3", version)};
    const auto tensors = in.number<std::uint64_t>();
    const auto count = in.number<std::uint64_t>();
    if (tensors > tensors_max) throw Malformed{fmt::format("{} tensors are too many", tensors)};
    if (count > pairs_max) throw Malformed{fmt::format("{} facts in the header are too many", count)};
    Pairs pairs;
    for (std::uint64_t i = 0; i < count; ++i) read_pair(in, pairs);
    Weights weights;
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor(in, weights);
    return facts_from(pairs, weights);
}

}  // namespace

expected<GgufFacts> read_gguf(std::string_view head) {
    Reader in(head);
    try {
        return read(in);
    } catch (const Malformed& why) {  // the reader's own way out of any depth
        return complaint("This is not a GGUF model that can be used: " + why.said + '.', in.at());
    }
}

}  // namespace meridian::catalog
