// The first answers to requests with an Idempotency-Key, kept for a day: as rows, sealed, since some show a secret once.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "base/rng.h"
#include "http/repeats.h"
#include "keys/keys.h"
#include "store/store.h"

namespace meridian::identity {

class KeptAnswers final : public http::Repeats {
public:
    KeptAnswers(store::Store& store, Clock& clock, Rng& rng, const keys::SealingKey& sealing);

    // Not what changes nothing: it can be asked again, and may open what others have closed since.
    [[nodiscard]] bool keeps(const http::Permission& may) const override;
    Task<std::optional<http::Response>> begin(Asked asked) override;
    Task<> end(Asked asked, Outcome outcome, http::Response answer) override;

private:
    using Name = std::pair<std::string, std::string>;  // principal, key
    static Name name_of(const Asked& asked);
    std::optional<http::Response> look(store::Tx& tx, const Name& name, const Sha256& request);
    void forget(const Name& name);

    store::Store& store_;
    Clock& clock_;
    Rng& rng_;
    const keys::SealingKey& sealing_;
    std::mutex mutex_;
    std::set<Name> running_;  // here; a row without an answer that is not among them was left by a process that is gone
};

}  // namespace meridian::identity
