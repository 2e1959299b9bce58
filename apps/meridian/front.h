// What a process answers at: one listener and one server a loop, TLS, and how they end.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/net.h"
#include "base/real/real.h"
#include "http/server.h"

namespace meridian::http {
class TlsContext;
}

namespace meridian::app {

struct FrontOptions {
    std::string listen = "127.0.0.1:8080";
    std::string tls_cert, tls_key;
    bool insecure = false;  // listen beyond loopback without TLS
    bool access_log = false;
};

// 0: one a core.
std::uint32_t loop_count(std::uint32_t wished);

class Front {
public:
    // The diagnostic says what to do. `disk` and `loops` outlive it.
    expected<void> bind(const FrontOptions& options, Network& network, Disk& disk, real::Loops& loops);
    [[nodiscard]] const std::string& url() const { return url_; }  // "https://127.0.0.1:8443", once bound
    // Before the loops run.
    void serve(const http::Router& router, Clock& clock, Rng& rng);
    // The certificate files anew, for connections made from now on; a bad one leaves the old in use.
    expected<void> reload_certificate();
    // Blocking: lets answers end.
    void drain(Duration grace);
    [[nodiscard]] std::vector<const http::ServerCounters*> counters() const;

private:
    real::Loops* loops_ = nullptr;
    std::string url_;
    bool access_log_ = false;
    std::shared_ptr<http::TlsContext> tls_;  // shared by the servers of all loops
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<http::Server>> servers_;
};

}  // namespace meridian::app
