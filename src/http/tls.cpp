#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "base/error.h"
#include "http/tls_shared.h"

namespace meridian::http {
namespace {

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

constexpr std::array<unsigned char, 9> alpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// OpenSSL's own codes are positive; the reasons for refusing a certificate stand beside them as negative values.
class TlsCategory final : public boost::system::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "tls"; }
    [[nodiscard]] std::string message(int value) const override {
        if (value < 0) return std::string("the certificate was refused: ") + X509_verify_cert_error_string(-static_cast<long>(value));
        const char* reason = ERR_reason_error_string(static_cast<unsigned long>(value));
        return reason ? reason : "the TLS handshake failed";
    }
};

const TlsCategory& category() {
    static const TlsCategory one;
    return one;
}

Bio memory(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Without it OpenSSL would ask for a pass phrase at the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered, unsigned offered_length, void*) {
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, alpn.data(), alpn.size(), offered, offered_length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;  // a client that wants something else still gets HTTP/1.1
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SslContext common(const SSL_METHOD* method) {
    SslContext context(SSL_CTX_new(method));
    MERIDIAN_ASSERT(context);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // An idle connection holds no record buffers.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    return context;
}

expected<SslContext> server_context(const std::string& certificate_pem, const std::string& key_pem) {
    ERR_clear_error();
    auto context = common(TLS_server_method());
    const auto certificates = memory(certificate_pem);
    const Certificate leaf(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr));
    if (!leaf) return complaint("The certificate is not a PEM file with a certificate: " + openssl_complaint());
    if (SSL_CTX_use_certificate(context.get(), leaf.get()) != 1) return complaint("The certificate cannot be used: " + openssl_complaint());
    while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context.get(), next) != 1) {
            X509_free(next);
            return complaint("A certificate of the chain cannot be used: " + openssl_complaint());
        }
    }
    ERR_clear_error();  // the end of the text
    const PrivateKey key(PEM_read_bio_PrivateKey(memory(key_pem).get(), nullptr, no_passphrase, nullptr));
    if (!key) return complaint("The private key is not a PEM file with a key without a pass phrase: " + openssl_complaint());
    if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 || SSL_CTX_check_private_key(context.get()) != 1) {
        return complaint("The private key does not belong to the certificate: " + openssl_complaint());
    }
    SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
    return context;
}

expected<std::string> file_text(Disk& disk, const std::string& path) {
    auto text = disk.read_file(path);
    if (!text) return complaint("The file " + path + " cannot be read: " + text.error().said);
    return std::move(*text);
}

}  // namespace

std::string openssl_complaint() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "no reason was given";
}

ErrorCode openssl_error() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    return {static_cast<int>(code & 0x7fffffff), category()};
}

ErrorCode verification_error(long verify_result) { return {-static_cast<int>(verify_result), category()}; }

expected<std::shared_ptr<TlsContext>> TlsContext::from_text(std::string certificate_pem, std::string key_pem) {
    std::shared_ptr<TlsContext> made(new TlsContext);
    if (auto used = made->use(certificate_pem, key_pem); !used) return std::unexpected(std::move(used.error()));
    return made;
}

expected<std::shared_ptr<TlsContext>> TlsContext::from_files(Disk& disk, std::string certificate_path, std::string key_path) {
    std::shared_ptr<TlsContext> made(new TlsContext);
    made->disk_ = &disk;
    made->certificate_path_ = std::move(certificate_path);
    made->key_path_ = std::move(key_path);
    if (auto read = made->reload(); !read) return std::unexpected(std::move(read.error()));
    return made;
}

expected<void> TlsContext::use(const std::string& certificate_pem, const std::string& key_pem) {
    auto context = server_context(certificate_pem, key_pem);
    if (!context) return std::unexpected(std::move(context.error()));
    auto made = std::make_shared<const TlsShared>(std::move(*context));
    const std::lock_guard lock(mutex_);
    current_ = std::move(made);
    return {};
}

expected<void> TlsContext::reload() {
    if (!disk_) return {};
    auto certificate = file_text(*disk_, certificate_path_);
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    auto key = file_text(*disk_, key_path_);
    if (!key) return std::unexpected(std::move(key.error()));
    return use(*certificate, *key);
}

expected<void> TlsContext::reload(std::string certificate_pem, std::string key_pem) { return use(certificate_pem, key_pem); }

std::shared_ptr<const TlsShared> TlsContext::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

expected<std::shared_ptr<TlsClientContext>> TlsClientContext::make(std::string extra_ca_pem) {
    ERR_clear_error();
    auto context = common(TLS_client_method());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_protos(context.get(), alpn.data(), alpn.size());
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
        return complaint("The system's certificates cannot be read: " + openssl_complaint());
    if (!extra_ca_pem.empty()) {
        const auto certificates = memory(extra_ca_pem);
        bool is_any = false;
        while (const auto one = Certificate(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr))) {
            is_any = true;
            if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), one.get()) != 1) {
                return complaint("A certificate authority cannot be used: " + openssl_complaint());
            }
        }
        if (!is_any) return complaint("There is no certificate in the PEM text of authorities.");
        ERR_clear_error();
    }
    return std::shared_ptr<TlsClientContext>(new TlsClientContext(std::make_shared<const TlsShared>(std::move(context))));
}

std::shared_ptr<TlsClientContext> TlsClientContext::system() {
    // Reading the system's store costs milliseconds and memory; all clients of a program share one.
    static const auto one = [] {
        auto made = make();
        return made ? *made : nullptr;
    }();
    if (!one) throw Error(Fault::unavailable, "The system's certificates cannot be read.");
    return one;
}

}  // namespace meridian::http
