#include "control.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/log.h"
#include "base/rng.h"
#include "clients.h"
#include "control_lease.h"
#include "database.h"
#include "door.h"
#include "forward.h"
#include "http/typed.h"
#include "identity/kept_answers.h"
#include "identity/oidc/sign_in.h"
#include "keys/keys.h"
#include "store/follower.h"

namespace meridian::app {
namespace {

constexpr Duration drain_grace = std::chrono::seconds(20);

// Who calls, by the rows. What is denied here goes into this process's log; the log of changes is the zone's.
class Rows final : public http::Authorizer, public http::DenialRecord {
public:
    explicit Rows(http::Authorizer& inner) : inner_(inner) {}
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override {
        return inner_.authorize(request, permission);
    }
    void denied(const http::Principal& caller, const http::Request& request, const http::Route& route) override {
        const auto* known = dynamic_cast<const identity::Caller*>(&caller);
        log::warn("control", "{} may not {} {} ({} {})", known ? known->principal.str() : "somebody", route.may.action, route.may.scope,
                  request.method, route.pattern);
    }

private:
    http::Authorizer& inner_;
};

class Running final : public ControlProcess {
public:
    explicit Running(const ControlOptions& options) : options_(options), layout_(options.data, ""), loops_(loop_count(options.loops)) {}
    ~Running() override {
        drain();
        loops_.stop();
    }
    expected<void> start();
    [[nodiscard]] std::string url() const override { return front_.url(); }
    expected<void> reload_certificate() override { return front_.reload_certificate(); }
    void drain() override;

private:
    expected<void> open_storage();
    void add_routes();

    ControlOptions options_;
    Layout layout_;
    SystemRng rng_;
    real::WallClock clock_;
    real::PosixDisk disk_;
    real::SocketNetwork network_;
    real::Loops loops_;
    real::ThreadPool store_pool_{2};
    std::unique_ptr<DirectoryLock> lock_;
    std::optional<keys::KeyRing> keys_;
    std::unique_ptr<store::Store> store_;
    std::optional<store::Follower<std::string>> holder_;  // where the process with the zone answers
    std::optional<identity::Identity> identity_;
    std::optional<Clients> clients_;
    std::optional<identity::SignIn> sign_in_;
    std::optional<identity::KeptAnswers> kept_answers_;
    std::optional<Rows> rows_;
    std::optional<Door<Rows>> door_;
    std::optional<http::Router> router_;
    Front front_;
    bool is_serving_ = false;
};

expected<void> Running::open_storage() {
    if (options_.database.empty())
        return complaint("Name the PostgreSQL of the installation with --database or MERIDIAN_DATABASE; a file is for one process.");
    if (const auto there = disk_.exists(layout_.control_keys()); !there || !*there)
        return complaint(
            fmt::format("'{}' is not there. Copy control/keys of the installation's data directory into it.", layout_.control_keys()));
    auto lock = disk_.lock(layout_.lock());
    if (!lock) return complaint(fmt::format("'{}' is in use by another Meridian ({}).", layout_.root, lock.error().said));
    lock_ = std::move(*lock);
    auto keys = keys::KeyRing::open(disk_, rng_, layout_.control_keys());
    if (!keys) return std::unexpected(keys.error());
    keys_ = std::move(*keys);
    auto store = open_database(disk_, clock_, store_pool_, layout_, options_.database);
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    const auto lease = store_->read_now([](store::Tx& tx) { return store::lease_named(tx, control_lease); });
    if (!lease)
        return complaint(fmt::format("No Meridian has worked with {} yet. Start `meridian up` with it first.", store_->elsewhere()));
    if (lease->holder != keys_->signing.key_id())
        return complaint(fmt::format("'{}' holds the keys of another installation. Copy control/keys of the one that works with {}.",
                                     layout_.control_keys(), store_->elsewhere()));
    return {};
}

void Running::add_routes() {
    kept_answers_.emplace(*store_, clock_, rng_, keys_->sealing);
    rows_.emplace(identity_->authorizer());
    door_.emplace(*rows_, *kept_answers_);
    router_.emplace(*door_);
    identity::add_control_routes(*router_, *identity_);
    identity::add_sign_in_routes(*router_, *sign_in_);
    identity::add_identity_provider_routes(*router_, *sign_in_);
    for (const auto* path : {"/healthz", "/readyz"})
        router_->add(http::typed<http::Nothing, http::Response>(
            "GET", path, http::anyone(), http::Dialect::meridian, http::doc(path + 1, "Whether this process answers", "system"),
            [](const http::Call<>&) {
                return http::Response{.status = 200, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = "ok\n"};
            }));
    add_forwarding(*router_, *clients_, [this] { return *holder_->now(); });
}

expected<void> Running::start() {
    if (auto done = open_storage(); !done) return done;
    holder_.emplace(*store_, std::vector<std::string>{"leases"}, [](store::Tx& tx) {
        const auto lease = store::lease_named(tx, control_lease);
        return lease ? lease->url : std::string();
    });
    holder_->refresh();
    identity_.emplace(*store_, clock_, rng_);
    identity::sign_with(*identity_, keys_->signing);
    (void)identity_->bootstrap();
    const auto home = loops_.executor(0);
    holder_->follow(home);
    identity_->follow(home);
    clients_.emplace(network_, clock_, loops_, http::EgressPolicy(options_.egress));
    sign_in_.emplace(*identity_, [this](const Executor& executor) -> http::Client& { return clients_->here(executor); }, keys_->sealing);
    if (auto bound = front_.bind(options_.front, network_, disk_, loops_); !bound) return bound;
    add_routes();
    front_.serve(*router_, clock_, rng_);
    loops_.start();
    is_serving_ = true;
    return {};
}

void Running::drain() {
    if (!std::exchange(is_serving_, false)) return;
    front_.drain(drain_grace);
    clients_->close(loops_);
}

}  // namespace

expected<std::unique_ptr<ControlProcess>> ControlProcess::open(const ControlOptions& options) {
    auto made = std::make_unique<Running>(options);
    try {
        if (auto started = made->start(); !started) return std::unexpected(started.error());
    } catch (const Error& error) {
        return complaint(error.said + (error.logged.empty() ? "" : " (" + error.logged + ")"));
    }
    return made;
}

}  // namespace meridian::app
