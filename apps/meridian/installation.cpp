#include "installation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "accounts.h"
#include "base/real/real.h"
#include "base/rng.h"
#include "clients.h"
#include "control_lease.h"
#include "database.h"
#include "door.h"
#include "front.h"
#include "geography/declaration.h"
#include "identity/kept_answers.h"
#include "identity/oidc/sign_in.h"
#include "inference/api.h"
#include "inference/estimates.h"
#include "inference/events.h"
#include "inference/gateway.h"
#include "inference/hours.h"
#include "inference/open_door.h"
#include "inference/reconcile.h"
#include "inference/store.h"
#include "keys/keys.h"
#include "llama_path.h"
#include "local_authorizer.h"
#include "marketplace/products.h"
#include "metering/log/witnesses.h"
#include "metering/quote/quotes.h"
#include "places.h"
#include "quantum.h"
#include "secrets_side.h"
#include "shipped_models.h"
#include "shop.h"
#include "store/blobs.h"
#include "system_routes.h"

namespace meridian::app {
namespace {

constexpr Duration drain_grace = std::chrono::seconds(20);

// The node keeps its id over restarts: its row is found by zone and host name.
fleet::Node known_node(store::Store& store, fleet::Node node, Timestamp now) {
    return store.write_now([&](store::Tx& tx) {
        const auto rows = tx.query("select id from nodes where zone = $1 and name = $2", node.zone.str(), node.name);
        if (!rows.empty()) {
            node.id = store::id_in<NodeId>(rows.front(), "id");
            tx.run("update nodes set arch = $1, cpus = $2, memory_bytes = $3, seen_at = $4, updated_at = $4 where id = $5", node.arch,
                   node.cpus, node.memory_bytes, now, node.id);
            return node;
        }
        tx.run(
            "insert into nodes (id, name, zone, arch, cpus, memory_bytes, seen_at, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, "
            "$7, $7, $7)",
            node.id, node.name, node.zone.str(), node.arch, node.cpus, node.memory_bytes, now);
        return node;
    });
}

// Everything in constructor order; destroyed in reverse. Each member may use those above it.
class Running final : public Installation {
public:
    explicit Running(const UpOptions& options)
        : options_(options), layout_(options.data, options.zone), loops_(loop_count(options.loops)), store_pool_(2), io_pool_(2) {}
    ~Running() override { stop_loops(); }

    expected<void> start();

    [[nodiscard]] std::string url() const override { return front_.url(); }
    [[nodiscard]] const identity::Bootstrap& bootstrap() const override { return bootstrap_; }
    void deploy(const std::string& model) override;
    [[nodiscard]] std::vector<DeployedModel> deployed() override;
    [[nodiscard]] std::string quantum_platform() const override { return quantum_->platform(); }
    expected<void> reload_certificate() override { return front_.reload_certificate(); }
    void drain() override;

private:
    expected<void> open_storage();
    expected<void> ask_witnesses();
    expected<void> open_services();
    expected<void> listen();
    void add_routes();
    void add_shop_routes();
    expected<void> write_cli_file();
    void stop_loops();

    UpOptions options_;
    Layout layout_;
    std::optional<geography::Zone> zone_;
    SystemRng rng_;
    real::WallClock clock_;
    real::PosixDisk disk_;
    real::SocketNetwork network_;
    real::Loops loops_;
    real::ThreadPool store_pool_, io_pool_;
    std::unique_ptr<DirectoryLock> lock_;
    std::optional<keys::KeyRing> control_keys_, zone_keys_;
    std::unique_ptr<store::Store> store_;
    std::optional<ControlLease> lease_;  // of a database that others can reach
    std::optional<store::ArtifactStore> artifacts_;
    std::optional<store::ContentStore> content_;
    std::optional<geography::ZoneFacts> facts_;
    std::unique_ptr<metering::Meter> meter_;
    std::optional<identity::Identity> identity_;
    identity::Bootstrap bootstrap_;
    std::optional<LocalAuthorizer> authorizer_;
    std::optional<inference::OpenDoor> door_;
    std::optional<catalog::Catalog> catalog_;
    std::unique_ptr<fleet::Driver> driver_;
    Shop shop_;
    std::optional<inference::Deployments> deployments_;
    std::optional<inference::Events> events_;
    inference::Serving serving_;
    std::optional<Clients> clients_;
    std::optional<identity::SignIn> sign_in_;
    std::optional<Accounts> accounts_;
    std::optional<inference::Gateway> gateway_;
    std::optional<QuantumSide> quantum_;
    std::optional<SecretsSide> secrets_;
    std::optional<inference::Estimates> estimates_;
    std::optional<metering::RecordingDoor> recording_door_;
    std::optional<identity::KeptAnswers> kept_answers_;
    std::optional<Door<metering::RecordingDoor>> front_door_;
    std::optional<http::Router> router_;
    std::optional<inference::Hours> hours_;
    std::optional<inference::Reconciler> reconciler_;
    std::optional<metering::Witnesses> witnesses_;
    std::optional<TaskGroup> tasks_;  // on the home loop: reconciler, group commits
    Front front_;
    std::atomic<bool> ready_{false};
    bool drained_ = false;
};

expected<void> Running::open_storage() {
    zone_ = geography::Zone::parse(options_.zone);
    if (!zone_) return complaint(fmt::format("'{}' is no zone name; it looks like fr-par-1.", options_.zone));
    for (const auto& path :
         {layout_.control(), layout_.zone(), layout_.content(), layout_.artifacts(), layout_.replicas(), layout_.ledger()}) {
        if (auto made = disk_.make_directories(path); !made) return complaint("The data directory cannot be used: " + made.error().said);
    }
    auto lock = disk_.lock(layout_.lock());
    if (!lock)
        return complaint(fmt::format("'{}' is in use by another Meridian ({}). Stop it first, or name another --data.", layout_.root,
                                     lock.error().said));
    lock_ = std::move(*lock);
    auto control = keys::KeyRing::open(disk_, rng_, layout_.control_keys());
    if (!control) return std::unexpected(control.error());
    control_keys_ = std::move(*control);
    auto zone = keys::KeyRing::open(disk_, rng_, layout_.zone_keys());
    if (!zone) return std::unexpected(zone.error());
    zone_keys_ = std::move(*zone);
    auto store = open_database(disk_, clock_, store_pool_, layout_, options_.database);
    if (!store) return std::unexpected(store.error());
    store_ = std::move(*store);
    if (!store_->elsewhere().empty()) {
        auto lease = ControlLease::take(*store_, control_keys_->signing.key_id());
        if (!lease) return std::unexpected(lease.error());
        lease_ = std::move(*lease);
    }
    artifacts_.emplace(disk_, layout_.artifacts());
    content_.emplace(disk_, layout_.content(), zone_->str());
    return {};
}

// What witnesses have seen of the log is known before it is opened, so that an older copy of it is not continued beside them.
expected<void> Running::ask_witnesses() {
    auto all = metering::WitnessAt::parse_all(options_.witnesses);
    if (!all) return std::unexpected(all.error());
    if (all->empty()) return {};
    witnesses_.emplace(network_, clock_, loops_.executor(0), *all, std::chrono::seconds(options_.witness_seconds));
    const auto& key = zone_keys_->signing.public_key();
    real::Loops asking(1);
    asking.start();
    metering::Witnesses others(network_, clock_, asking.executor(0), std::move(*all), Duration());
    std::string newest;
    asking.wait(asking.executor(0), [](metering::Witnesses& witnesses, metering::VerifierKey log, std::string& into) -> Task<> {
        into = co_await witnesses.newest(std::move(log));
    }(others, {metering::origin_of(zone_->str(), key), key}, newest));
    auto kept = metering::keep_newest_witnessed(disk_, layout_.ledger(), newest);
    asking.stop();
    return kept;
}

expected<void> Running::open_services() {
    auto declared = geography::DeclarationFile(disk_, layout_.zone()).read();
    if (!declared) return std::unexpected(declared.error());
    facts_ = geography::ZoneFacts{*zone_, std::move(*declared)};
    auto meter = metering::Meter::open(disk_, clock_, rng_, io_pool_, zone_keys_->signing, *facts_, {.directory = layout_.ledger()});
    if (!meter) return std::unexpected(meter.error());
    meter_ = std::move(*meter);
    auto shop = open_shop(disk_, options_.catalogue);
    if (!shop) return std::unexpected(shop.error());
    shop_ = *std::move(shop);
    identity_.emplace(*store_, clock_, rng_);
    bootstrap_ = identity_->bootstrap();
    identity::sign_with(*identity_, control_keys_->signing);
    const auto owner = store_->read_now([](store::Tx& tx) {
        return store::id_in<PrincipalId>(tx.query("select value from settings where name = 'default_principal'").at(0), "value");
    });
    authorizer_.emplace(identity_->authorizer(), bootstrap_, owner, rng_);
    catalog_.emplace(*store_, *artifacts_, clock_, rng_, io_pool_, control_keys_->sealing, disk_, std::string(shipped_models));
    catalog_->load();
    const auto replicas = replica_directory(disk_, layout_.replicas());
    if (!replicas) return std::unexpected(replicas.error());
    const auto home = loops_.executor(0);
    identity_->follow(home);
    catalog_->follow(home);
    clients_.emplace(network_, clock_, loops_, http::EgressPolicy(options_.egress));
    sign_in_.emplace(
        *identity_, [this](const Executor& executor) -> http::Client& { return clients_->here(executor); }, control_keys_->sealing);
    accounts_.emplace(AccountParts{.store = *store_,
                                   .identity = *identity_,
                                   .meter = *meter_,
                                   .key = control_keys_->sealing,
                                   .client = clients_->at(0),
                                   .mail_hook = options_.mail_hook,
                                   .files = io_pool_,
                                   .clock = clock_,
                                   .rng = rng_,
                                   .zone = *facts_,
                                   .organization = bootstrap_.organization});
    if (auto begun = accounts_->begin(home); !begun) return begun;
    auto node = known_node(*store_, fleet::probe_host(disk_, rng_, *zone_, *replicas), clock_.now());
    driver_ = fleet::process_driver(disk_, network_, clock_, rng_, io_pool_, home, {.directory = *replicas, .shim_program = own_path()});
    auto runtimes = runtimes_of(disk_, options_.runtimes, llama_path(options_.llama_server), options_.runtime_threads);
    if (!runtimes) return std::unexpected(runtimes.error());
    quantum_.emplace(QuantumParts{.store = *store_,
                                  .content = *content_,
                                  .files = io_pool_,
                                  .meter = *meter_,
                                  .key = zone_keys_->sealing,
                                  .clock = clock_,
                                  .rng = rng_,
                                  .home = home,
                                  .threads = 0,
                                  .prices = &accounts_->prices(),
                                  .quotes = &accounts_->quotes(),
                                  .watts = facts_->declared ? facts_->declared->node_watts : std::nullopt,
                                  .keeping = {.retention = std::chrono::days(options_.quantum_keep_days)}},
                     node);
    secrets_.emplace(*store_, control_keys_->sealing, zone_->region(), clock_, rng_, home);
    deployments_.emplace(*store_, *catalog_, std::vector{std::move(node)}, *zone_, clock_, rng_, std::move(*runtimes));
    deployments_->offer(shop_.node_types);
    events_.emplace(*deployments_, *store_, clock_);
    const auto client = [this](const Executor& executor) -> http::Client& { return clients_->here(executor); };
    gateway_.emplace(serving_, *meter_, rng_, client, &accounts_->prices(), &accounts_->quotes());
    gateway_->limit_by(accounts_->limiter(), clock_);
    estimates_.emplace(*gateway_, *deployments_, *catalog_, accounts_->prices(), client);
    using metering::QuoteKind;
    for (const auto kind : {QuoteKind::chat, QuoteKind::completion, QuoteKind::embedding, QuoteKind::batch, QuoteKind::deployment})
        accounts_->quotes().serve(kind, *estimates_);
    accounts_->quotes().serve(QuoteKind::quantum_job, quantum_->estimates());
    deployments_->hold_to(accounts_->quotes());
    hours_.emplace(*meter_, accounts_->prices(), clock_);
    reconciler_.emplace(*store_, *content_, *catalog_, *driver_, *deployments_, serving_, clock_, rng_, home);
    reconciler_->charge_by(*hours_);
    return {};
}

void Running::add_shop_routes() {
    const auto node_types = [this] { return deployments_->all_node_types(); };
    marketplace::Shelf shelf{.node_types = node_types,
                             .models = [this] { return catalog_->models(std::nullopt); },
                             .quantum = {},
                             .prices = accounts_->prices(),
                             .zone = *facts_};
    for (const auto& one : quantum_->platforms()) shelf.quantum.push_back({one.name, one.facts.description, one.price()});
    marketplace::add_product_routes(*router_, shelf);
    marketplace::add_server_routes(*router_, shelf);
    marketplace::add_image_routes(*router_, shop_.applications, node_types, *zone_);
}

void Running::add_routes() {
    door_.emplace(*authorizer_, serving_);
    recording_door_.emplace(*door_, accounts_->refusals());
    kept_answers_.emplace(*store_, clock_, rng_, control_keys_->sealing);
    front_door_.emplace(*recording_door_, *kept_answers_);
    router_.emplace(*front_door_);
    inference::add_openai_routes(*router_, *gateway_);
    inference::add_scaleway_routes(*router_, *deployments_, *catalog_, front_.url());
    inference::add_native_routes(*router_, *deployments_, *catalog_, *content_, *store_, disk_, [this](identity::Caller by, Uuid secret) {
        return secrets_->secrets().used(std::move(by), secrets::SecretId(secret));
    });
    inference::add_event_routes(*router_, *events_);
    identity::add_routes(*router_, *identity_);
    identity::add_sign_in_routes(*router_, *sign_in_);
    identity::add_identity_provider_routes(*router_, *sign_in_);
    quantum_->add_routes(*router_);
    secrets_->add_routes(*router_);
    metering::add_routes(*router_, *meter_, io_pool_, *zone_);
    accounts_->add_routes(*router_);
    add_shop_routes();
    add_system_routes(*router_, {.clock = clock_,
                                 .disk = disk_,
                                 .pool = io_pool_,
                                 .store = *store_,
                                 .meter = *meter_,
                                 .rng = rng_,
                                 .deployments = *deployments_,
                                 .zone = *facts_,
                                 .layout = layout_,
                                 .url = [this] { return front_.url(); },
                                 .servers = [this] { return front_.counters(); },
                                 .private_artifacts =
                                     [this] {
                                         std::vector<std::string> out;
                                         for (const auto& model : catalog_->models(std::nullopt)) {
                                             for (const auto& artifact : model.artifacts) {
                                                 if (std::holds_alternative<catalog::FileSource>(artifact.source))
                                                     out.push_back(hex(artifact.digest));
                                             }
                                         }
                                         return out;
                                     },
                                 .ready = [this] { return ready_.load(); }});
}

expected<void> Running::listen() {
    const FrontOptions front{.listen = options_.listen,
                             .tls_cert = options_.tls_cert,
                             .tls_key = options_.tls_key,
                             .insecure = options_.insecure,
                             .access_log = options_.access_log};
    if (auto bound = front_.bind(front, network_, disk_, loops_); !bound) return bound;
    if (lease_) lease_->say_where(options_.advertise.empty() ? front_.url() : options_.advertise);
    add_routes();
    front_.serve(*router_, clock_, rng_);
    return {};
}

expected<void> Running::write_cli_file() {
    const auto file = to_text(JsonObject{{"url", front_.url()},
                                         {"secret_key", authorizer_->secret()},
                                         {"organization_id", bootstrap_.organization.str()},
                                         {"project_id", bootstrap_.project.str()},
                                         {"region", zone_->region()},
                                         {"zone", zone_->str()},
                                         {"pid", static_cast<std::int64_t>(getpid())}});
    if (auto written = disk_.replace_file(layout_.root + "/cli.json", file); !written) return complaint(written.error().said);
    return {};
}

expected<void> Running::start() {
    for (auto step :
         {&Running::open_storage, &Running::ask_witnesses, &Running::open_services, &Running::listen, &Running::write_cli_file}) {
        if (auto done = (this->*step)(); !done) return done;
    }
    tasks_.emplace(loops_.executor(0));
    // Servers and long tasks begin on their own loops, before those start to run.
    tasks_->spawn("reconciler", reconciler_->run());
    tasks_->spawn("quantum reconciler", quantum_->run());
    tasks_->spawn("secrets sweep", secrets_->run());
    tasks_->spawn("group commits", meter_->run_commits());
    if (lease_) tasks_->spawn("control lease", lease_->keep(clock_));
    accounts_->spawn(*tasks_);
    if (witnesses_) witnesses_->begin(*tasks_, meter_->log(), io_pool_);
    loops_.start();
    ready_ = true;
    return {};
}

void Running::deploy(const std::string& model) {
    const auto caller = identity::everything(bootstrap_.organization, bootstrap_.project, {});
    const auto existing = store_->read_now([](store::Tx& tx) { return inference::rows::all(tx); });
    for (const auto& d : existing) {
        if (d.model_name == model && d.state != inference::DeploymentState::deleting) return;
    }
    loops_.wait(loops_.executor(0), [](inference::Deployments& all, identity::Caller by, std::string name) -> Task<> {
        inference::DeploymentWish wish;
        wish.model = name;
        wish.name = name;
        co_await all.create(std::move(by), std::move(wish));
    }(*deployments_, caller, model));
}

std::vector<DeployedModel> Running::deployed() {
    std::vector<DeployedModel> out;
    const auto table = serving_.current();
    for (const auto& d : store_->read_now([](store::Tx& tx) { return inference::rows::all(tx); })) {
        DeployedModel model;
        model.name = d.model_name;
        model.phase = deployments_->phases().of(d.id);
        if (model.phase.name.empty()) model.phase.name = inference::name(d.state);
        model.error = d.error_message.value_or("");
        // The row may still say `ready` from an earlier run: what counts is that somebody answers now.
        const auto served = table->by_model.find(d.model_name);
        model.ready = served != table->by_model.end() && std::ranges::any_of(served->second, [&](const auto& one) {
                          return one->deployment == d.id && !one->backends.empty();
                      });
        model.zone = zone_->str();
        if (const auto m = catalog_->find(d.model)) {
            model.price = fmt::format("€{} in, €{} out for a million tokens", m->input_per_million.str(), m->output_per_million.str());
        }
        out.push_back(std::move(model));
    }
    return out;
}

void Running::drain() {
    if (std::exchange(drained_, true)) return;
    ready_ = false;
    catalog_->stop();
    events_->stop();
    front_.drain(drain_grace);
    loops_.wait(loops_.executor(0), reconciler_->stop());
    loops_.wait(loops_.executor(0), quantum_->stop());
    loops_.wait(loops_.executor(0), driver_->shutdown(fleet::Driver::Leave::stop));
    loops_.wait(loops_.executor(0), accounts_->end());
    loops_.wait(loops_.executor(0), [](TaskGroup& tasks) -> Task<> {
        tasks.cancel();
        co_await tasks.join();
    }(*tasks_));
    clients_->close(loops_);
    meter_->close();
    if (lease_) lease_->give_up();
    (void)disk_.remove(layout_.root + "/cli.json");
}

void Running::stop_loops() {
    if (tasks_ && !drained_) drain();
    loops_.stop();
}

}  // namespace

expected<std::unique_ptr<Installation>> Installation::open(const UpOptions& options) {
    auto made = std::make_unique<Running>(options);
    try {
        if (auto started = made->start(); !started) return std::unexpected(started.error());
    } catch (const Error& error) {
        return complaint(error.said + (error.logged.empty() ? "" : " (" + error.logged + ")"));
    }
    return made;
}

}  // namespace meridian::app
