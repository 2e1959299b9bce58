// Which secrets open what, as far as they were used: each is read when it is first sent, and forgotten when something changes that it
// depends on. So neither a start nor a change costs more with a million keys than with ten.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/hash.h"
#include "identity/permissions.h"
#include "identity/service.h"
#include "store/store.h"

namespace meridian::identity {

// A secret that opens something: whose it is, and for each right the caller that it makes. Few differ, since they differ in where rights
// hold.
struct Known {
    std::vector<Caller> callers;  // whoever takes one holds all of this: one count, and nothing of the caller is touched to find it
    std::array<std::uint8_t, rights_max> by_right{};  // one more than the place in `callers`; 0: the right is not held
    std::optional<Timestamp> expires_at;
    bool is_locked = false;
};

class KnownSecrets {
public:
    struct Found {
        std::shared_ptr<const Known> known;   // null: it opens nothing
        std::vector<std::string> depends_on;  // ids of rows, as the change feed names them
    };
    using Reader = std::function<Found(store::Tx&, const Sha256&)>;
    KnownSecrets(store::Store& store, Reader reader);
    KnownSecrets(const KnownSecrets&) = delete;
    KnownSecrets& operator=(const KnownSecrets&) = delete;
    // Waits for a refresh that is running; later ones find it closed.
    ~KnownSecrets();

    // Nothing where it has to be read first.
    [[nodiscard]] std::optional<std::shared_ptr<const Known>> find(const Sha256& digest) const;
    // Error{busy} where too many are being read.
    Task<> learn(Sha256 digest);
    // What was committed up to then is in the rows that will be read.
    void begin(store::Revision newest);
    // Blocking. After it, find() says nothing that a commit before the call has changed.
    void refresh();
    void follow(Executor executor);

private:
    struct Core;
    std::shared_ptr<Core> core_;  // shared with jobs that wait in the pool and may run after we are gone
    std::vector<std::shared_ptr<void>> listening_;
};

}  // namespace meridian::identity
