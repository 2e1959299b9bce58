#include "front.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/log.h"
#include "http/tls.h"
#include "places.h"

namespace meridian::app {
namespace {

bool is_loopback(const Address& at) { return !at.unix_path.empty() || at.ip.is_loopback(); }

void log_access(const http::Access& a) {
    log::info("access", "{} {} {} {} {} in {} out {} took {} us", a.request_id, a.peer, a.method, a.route, a.status, a.bytes_in,
              a.bytes_out, std::chrono::duration_cast<std::chrono::microseconds>(a.took).count());
}

}  // namespace

std::uint32_t loop_count(std::uint32_t wished) { return wished ? wished : std::max(1u, std::thread::hardware_concurrency()); }

expected<void> Front::bind(const FrontOptions& options, Network& network, Disk& disk, real::Loops& loops) {
    loops_ = &loops;
    access_log_ = options.access_log;
    auto at = Address::parse(options.listen);
    if (!at) return complaint(fmt::format("'{}' is no address to listen on; it looks like 127.0.0.1:8080.", options.listen));
    const bool tls = !options.tls_cert.empty();
    if (!is_loopback(*at) && !tls && !options.insecure)
        return complaint("Listening beyond loopback needs --tls-cert and --tls-key, or --insecure behind a proxy that adds TLS.");
    if (tls) {
        auto made = http::TlsContext::from_files(disk, options.tls_cert, options.tls_key);
        if (!made) return std::unexpected(made.error());
        tls_ = std::move(*made);
    }
    if (at->unix_path.empty() && at->port != 0) {
        if (const auto taken = port_taken(*at)) return std::unexpected(*taken);
    }
    for (std::size_t i = 0; i < loops.size(); ++i) {
        auto listener = network.listen(loops.executor(i), *at);
        if (!listener) return complaint(fmt::format("Cannot listen on {}: {}.", at->str(), listener.error().message()));
        at = (*listener)->local();
        listeners_.push_back(std::move(*listener));
        if (!at->unix_path.empty()) break;
    }
    url_ = fmt::format("{}://{}", tls ? "https" : "http", at->str());
    return {};
}

void Front::serve(const http::Router& router, Clock& clock, Rng& rng) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
        std::function<void(const http::Access&)> access;
        if (access_log_) access = log_access;
        servers_.push_back(
            std::make_unique<http::Server>(router, clock, rng, loops_->executor(i), http::ServerLimits{}, tls_, std::move(access)));
        servers_.back()->serve(std::move(listeners_[i]));
    }
}

expected<void> Front::reload_certificate() { return tls_ ? tls_->reload() : expected<void>(); }

void Front::drain(Duration grace) {
    for (std::size_t i = 0; i < servers_.size(); ++i) loops_->wait(loops_->executor(i), servers_[i]->drain(grace));
}

std::vector<const http::ServerCounters*> Front::counters() const {
    std::vector<const http::ServerCounters*> out;
    for (const auto& server : servers_) out.push_back(&server->counters());
    return out;
}

}  // namespace meridian::app
