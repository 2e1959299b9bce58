// What tls.cpp makes and tls_stream.cpp uses of OpenSSL. Not for other files.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/net.h"

namespace meridian::http {

template <auto free_it>
struct Freed {
    void operator()(auto* object) const { free_it(object); }
};
using SslContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freed<SSL_free>>;

struct TlsShared {
    SslContext context;
};

// The first complaint in OpenSSL's queue of this thread, which is emptied.
std::string openssl_complaint();
ErrorCode openssl_error();
// Why the peer's certificate was refused.
ErrorCode verification_error(long verify_result);

}  // namespace meridian::http
