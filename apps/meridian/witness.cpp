#include "witness.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/real/real.h"
#include "http/server.h"
#include "keys/keys.h"
#include "metering/log/witness_api.h"

namespace meridian::app {
namespace {

constexpr Duration drain_grace = std::chrono::seconds(5);

// A witness asks nobody who they are: what it signs is proven by the checkpoint itself.
class Anyone final : public http::Authorizer {
public:
    std::shared_ptr<const http::Principal> authorize(const http::Request&, const http::Permission&) override { return nullptr; }
};

class Running final : public WitnessServer {
public:
    ~Running() override {
        drain();
        loops_.stop();
    }
    expected<void> start(const WitnessOptions& options);
    [[nodiscard]] std::string url() const override { return url_; }
    [[nodiscard]] std::string verifier_key() const override { return witness_->verifier().str(); }
    void drain() override {
        if (server_ && !std::exchange(drained_, true)) loops_.wait(loops_.executor(0), server_->drain(drain_grace));
    }

private:
    SystemRng rng_;
    real::WallClock clock_;
    real::PosixDisk disk_;
    real::SocketNetwork network_;
    real::Loops loops_{1};
    real::ThreadPool pool_{1};
    std::unique_ptr<metering::Witness> witness_;
    Anyone anyone_;
    http::Router router_{anyone_};
    std::optional<http::Server> server_;
    std::string url_;
    bool drained_ = false;
};

expected<void> Running::start(const WitnessOptions& options) {
    std::vector<metering::VerifierKey> logs;
    for (const auto& text : options.logs) {
        auto key = metering::VerifierKey::parse(text);
        if (!key) return complaint(fmt::format("The log '{}' cannot be followed: {}.", text, key.error().said));
        logs.push_back(std::move(*key));
    }
    const auto at = Address::parse(options.listen);
    if (!at) return complaint(fmt::format("'{}' is no address to listen on; it looks like 127.0.0.1:8090.", options.listen));
    auto keys = keys::KeyRing::open(disk_, rng_, options.directory + "/keys");
    if (!keys) return std::unexpected(keys.error());
    auto name = options.name.empty() ? "meridian-witness/" + keys->signing.key_id().substr(0, 8) : options.name;
    auto witness =
        metering::Witness::open(disk_, clock_, std::move(name), std::move(keys->signing), std::move(logs), options.directory + "/signed");
    if (!witness) return std::unexpected(witness.error());
    witness_ = std::move(*witness);
    metering::add_witness_routes(router_, *witness_, pool_);
    auto listener = network_.listen(loops_.executor(0), *at);
    if (!listener) return complaint(fmt::format("Cannot listen on {}: {}.", at->str(), listener.error().message()));
    url_ = fmt::format("http://{}", (*listener)->local().str());
    server_.emplace(router_, clock_, rng_, loops_.executor(0));
    server_->serve(std::move(*listener));
    loops_.start();
    return {};
}

}  // namespace

expected<std::unique_ptr<WitnessServer>> WitnessServer::open(const WitnessOptions& options) {
    auto made = std::make_unique<Running>();
    try {
        if (auto started = made->start(options); !started) return std::unexpected(started.error());
    } catch (const Error& error) {
        return complaint(error.said + (error.logged.empty() ? "" : " (" + error.logged + ")"));
    }
    return made;
}

}  // namespace meridian::app
