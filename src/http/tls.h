// TLS over any stream: OpenSSL between two memory buffers, so that it runs over sockets and simulated pipes alike.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "base/async.h"
#include "base/disk.h"
#include "base/expected.h"
#include "base/net.h"

namespace meridian::http {

struct TlsShared;  // an SSL_CTX; connections hold the one they began with

// A server's certificate and key. `reload` concerns connections made after it. From any thread.
class TlsContext {
public:
    static expected<std::shared_ptr<TlsContext>> from_text(std::string certificate_pem, std::string key_pem);
    // Reads both files now and at every reload.
    static expected<std::shared_ptr<TlsContext>> from_files(Disk& disk, std::string certificate_path, std::string key_path);

    // Reads the files anew, or takes other texts. On a complaint the old certificate stays in use.
    expected<void> reload();
    expected<void> reload(std::string certificate_pem, std::string key_pem);
    [[nodiscard]] std::shared_ptr<const TlsShared> current() const;

private:
    TlsContext() = default;
    expected<void> use(const std::string& certificate_pem, const std::string& key_pem);

    Disk* disk_ = nullptr;  // where there are files
    std::string certificate_path_, key_path_;
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsShared> current_;
};

// Whom a client trusts. Verification of name and chain cannot be turned off.
class TlsClientContext {
public:
    // The system's certificate store, and those in `extra_ca_pem`, if any.
    static expected<std::shared_ptr<TlsClientContext>> make(std::string extra_ca_pem = {});
    // The system's store alone, made once.
    static std::shared_ptr<TlsClientContext> system();
    [[nodiscard]] const std::shared_ptr<const TlsShared>& current() const { return current_; }

private:
    explicit TlsClientContext(std::shared_ptr<const TlsShared> made) : current_(std::move(made)) {}

    std::shared_ptr<const TlsShared> current_;
};

// A failed handshake ends with an error and the stream closed. The limit on its time is the caller's, who closes `raw`: the pointer
// stays valid until these end. Null trusts the system's store.
Task<IoResult<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> raw, std::shared_ptr<TlsContext> context);
Task<IoResult<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> raw, std::string host,
                                                    std::shared_ptr<TlsClientContext> context = nullptr);

}  // namespace meridian::http
