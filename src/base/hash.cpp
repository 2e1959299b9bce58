#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace meridian {
namespace {

// Fetched once: OpenSSL 3 otherwise looks the algorithm up in its providers at every digest.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (!algorithm) throw std::runtime_error("OpenSSL offers no SHA-256");
    return algorithm;
}

void must(int outcome) {
    if (outcome != 1) throw std::runtime_error("OpenSSL could not compute a SHA-256");
}

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
    // One context a thread: making one costs more than the digest of a short text.
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })> context(EVP_MD_CTX_new());
    Sha256 digest;
    must(EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr));
    must(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
    must(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr));
    return digest;
}

struct Sha256Stream::Context {
    EVP_MD_CTX* handle = EVP_MD_CTX_new();
    Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() { EVP_MD_CTX_free(handle); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
    must(EVP_DigestInit_ex2(context_->handle, sha256_algorithm(), nullptr));
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::add(std::string_view bytes) { must(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size())); }

Sha256 Sha256Stream::finish() {
    Sha256 digest;
    must(EVP_DigestFinal_ex(context_->handle, digest.data(), nullptr));
    return digest;
}

std::string hex(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto b : bytes) {
        text += digits[b >> 4];
        text += digits[b & 15];
    }
    return text;
}

std::optional<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = nibble(text[i]), low = nibble(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view as_view(const Sha256& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

std::optional<Sha256> parse_sha256(std::string_view hex64) {
    const auto bytes = unhex(hex64);
    if (!bytes || bytes->size() != Sha256{}.size()) return std::nullopt;
    Sha256 digest;
    for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>((*bytes)[i]);
    return digest;
}

}  // namespace meridian
