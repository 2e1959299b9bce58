// For tests: small GGUF files and archives made in memory.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::catalog {

class GgufWriter {
public:
    explicit GgufWriter(std::uint32_t version = 3) : version_(version) {}
    GgufWriter& text(std::string_view key, std::string_view value) {
        head(key, 8);
        put_text(pairs_, value);
        return *this;
    }
    GgufWriter& number(std::string_view key, std::uint32_t value) {
        head(key, 4);
        put(pairs_, value);
        return *this;
    }
    GgufWriter& boolean(std::string_view key, bool value) {
        head(key, 7);
        put(pairs_, static_cast<std::uint8_t>(value));
        return *this;
    }
    GgufWriter& numbers(std::string_view key, const std::vector<std::int32_t>& values) {
        head(key, 9);
        put(pairs_, std::uint32_t{5});
        put(pairs_, std::uint64_t{values.size()});
        for (const auto v : values) put(pairs_, v);
        return *this;
    }
    GgufWriter& texts(std::string_view key, const std::vector<std::string>& values) {
        head(key, 9);
        put(pairs_, std::uint32_t{8});
        put(pairs_, std::uint64_t{values.size()});
        for (const auto& v : values) put_text(pairs_, v);
        return *this;
    }
    // Any bytes as the value of a kind, for what is broken.
    GgufWriter& raw(std::string_view key, std::uint32_t kind, std::string_view bytes) {
        head(key, kind);
        pairs_.append(bytes);
        return *this;
    }
    GgufWriter& tensor(std::string_view name, std::initializer_list<std::uint64_t> dimensions, std::uint32_t type) {
        put_text(tensors_, name);
        put(tensors_, static_cast<std::uint32_t>(dimensions.size()));
        for (const auto d : dimensions) put(tensors_, d);
        put(tensors_, type);
        put(tensors_, std::uint64_t{0});
        ++tensor_count_;
        return *this;
    }
    [[nodiscard]] std::string bytes(std::size_t weights = 64) const {
        std::string file = "GGUF";
        put(file, version_);
        put(file, tensor_count_);
        put(file, pair_count_);
        return file + pairs_ + tensors_ + std::string(weights, 'w');
    }

private:
    template <class T>
    static void put(std::string& into, T value) {
        into.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    static void put_text(std::string& into, std::string_view value) {
        put(into, std::uint64_t{value.size()});
        into.append(value);
    }
    void head(std::string_view key, std::uint32_t kind) {
        put_text(pairs_, key);
        put(pairs_, kind);
        ++pair_count_;
    }
    std::uint32_t version_;
    std::uint64_t pair_count_ = 0, tensor_count_ = 0;
    std::string pairs_, tensors_;
};

// A model that talks: two layers, context 2048, four bits.
inline GgufWriter talking_gguf(std::string_view chat = "{% for m in messages %}{{ m.content }}{% endfor %}") {
    GgufWriter w;
    w.text("general.architecture", "llama").text("general.name", "Tiny").text("general.license", "cc0-1.0");
    w.number("llama.context_length", 2048).number("llama.block_count", 2).number("llama.embedding_length", 64);
    w.number("llama.attention.head_count", 4).number("llama.attention.head_count_kv", 2);
    w.texts("tokenizer.ggml.tokens", {"a", "b", "c"}).numbers("tokenizer.ggml.token_type", {1, 1, -1});
    if (!chat.empty()) w.text("tokenizer.chat_template", chat);
    w.tensor("token_embd.weight", {64, 100}, 3).tensor("output_norm.weight", {64}, 0);
    return w;
}

}  // namespace meridian::catalog
