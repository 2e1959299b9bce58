// One running Meridian: every service built in constructor order over the real effects, its routes, its life from start to drain.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/log.h"
#include "identity/service.h"
#include "inference/phase.h"

namespace meridian::app {

struct UpOptions {
    std::string data;
    std::string database;  // URL of a PostgreSQL; "": a file of the data directory
    std::string listen = "127.0.0.1:8080";
    std::string advertise;  // URL that other processes of the control plane reach this one at; "": where it listens
    std::string zone = "fr-par-1";
    std::string ready_file;
    std::vector<std::string> with;  // models to deploy at start
    std::string tls_cert, tls_key;
    bool insecure = false;  // listen beyond loopback without TLS
    std::string catalogue;  // a directory with node-types.yaml, marketplace.yaml or both
    std::vector<std::string> egress;
    std::string mail_hook;  // a program that takes e-mail as sendmail does
    std::string llama_server;
    std::vector<std::string> runtimes;   // "vllm=PROGRAM", or a JSON file that describes some
    std::vector<std::string> witnesses;  // "KEY@URL"
    std::uint32_t witness_seconds = 10;  // a changed log is shown to them at most so often
    std::uint32_t loops = 0;             // 0: one a core
    std::uint32_t runtime_threads = 0;
    std::uint32_t quantum_keep_days = 30;  // that an ended session is kept with its results
    bool access_log = false;
    log::Level log_level = log::Level::warn;
    log::Form log_form = log::Form::text;
    bool quiet = false;  // no screen
};

struct DeployedModel {
    std::string name, error, price, zone;
    inference::Phase phase;
    bool ready = false;
};

class Installation {
public:
    // Opens and checks everything below `options.data`; listens. The diagnostic is a sentence for the operator.
    static expected<std::unique_ptr<Installation>> open(const UpOptions& options);
    virtual ~Installation() = default;

    [[nodiscard]] virtual std::string url() const = 0;
    [[nodiscard]] virtual const identity::Bootstrap& bootstrap() const = 0;
    // Deploys the model if no deployment of it exists. Throws Error.
    virtual void deploy(const std::string& model) = 0;
    [[nodiscard]] virtual std::vector<DeployedModel> deployed() = 0;
    // The platform that circuits written with Qiskit run on.
    [[nodiscard]] virtual std::string quantum_platform() const = 0;
    // Takes the certificate files anew for connections made from now on; a bad one leaves the old in use.
    virtual expected<void> reload_certificate() = 0;
    // Ends accepting, lets answers end, stops replicas, closes the ledger. Blocking.
    virtual void drain() = 0;
};

// Paths below a data directory: content and metadata are apart from the first byte.
struct Layout {
    explicit Layout(std::string data, std::string zone) : root(std::move(data)), zone_name(std::move(zone)) {}
    std::string root, zone_name;
    [[nodiscard]] std::string control() const { return root + "/control"; }
    [[nodiscard]] std::string database() const { return control() + "/meridian.db"; }
    [[nodiscard]] std::string database_elsewhere() const { return control() + "/database"; }  // says where, when it is no file
    [[nodiscard]] std::string control_keys() const { return control() + "/keys"; }
    [[nodiscard]] std::string zone() const { return root + "/zones/" + zone_name; }
    [[nodiscard]] std::string zone_keys() const { return zone() + "/keys"; }
    [[nodiscard]] std::string ledger() const { return zone() + "/ledger"; }
    [[nodiscard]] std::string artifacts() const { return zone() + "/artifacts"; }
    [[nodiscard]] std::string content() const { return zone() + "/content"; }
    [[nodiscard]] std::string replicas() const { return zone() + "/replicas"; }
    [[nodiscard]] std::string lock() const { return root + "/lock"; }
};

}  // namespace meridian::app
