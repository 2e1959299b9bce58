// Secrets and keys of one installation: the managers, threads of their own for what computes long, routes, and the sweep.
#pragma once
#include <string>

#include "base/real/real.h"
#include "secrets/service.h"
#include "secrets/sweep.h"

namespace meridian::app {

class SecretsSide {
public:
    SecretsSide(store::Store& store, const keys::SealingKey& sealing, std::string region, Clock& clock, Rng& rng, Executor home)
        : secrets_({store, sealing, using_keys_, making_keys_, std::move(region), clock, rng}),
          keys_(secrets_.ground()),
          sweep_(secrets_.ground(), std::move(home)) {}
    void add_routes(http::Router& router) { secrets::add_routes(router, secrets_, keys_); }
    secrets::SecretManager& secrets() { return secrets_; }
    Task<> run() { return sweep_.run(); }

private:
    real::ThreadPool using_pool_{1}, making_pool_{1};
    secrets::Turns using_keys_{using_pool_, secrets::limits::using_keys}, making_keys_{making_pool_, secrets::limits::making_keys};
    secrets::SecretManager secrets_;
    secrets::KeyManager keys_;
    secrets::Sweep sweep_;
};

}  // namespace meridian::app
