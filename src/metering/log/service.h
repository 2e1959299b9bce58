// A zone's log as anybody may see it: signed checkpoints, tiles of hashes and proofs between them. No receipt is in it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "geography/types.h"
#include "http/route.h"
#include "keys/keys.h"
#include "metering/log/tile.h"
#include "metering/tree.h"

namespace meridian::metering {

// Sizes are those under a published checkpoint, `log_size()` being the newest. All but the first three may wait for a commit that
// is under way, and so belong on a pool.
class PublicLog {
public:
    virtual ~PublicLog() = default;
    virtual std::string log_checkpoint() = 0;  // newest signed note
    virtual std::string log_witnessed() = 0;   // newest that witnesses have cosigned, with their lines; "" when none has
    virtual std::string log_key() = 0;         // under which it verifies
    virtual std::uint64_t log_size() = 0;
    // The leaves by which the log's keys follow one another, each proven to be under the newest checkpoint.
    struct Chain {
        struct Changed {
            std::uint64_t index = 0;
            std::string leaf;
            Proof proof = {};
        };
        std::string checkpoint;
        std::vector<Changed> changes;
    };
    virtual Chain log_chain() = 0;
    virtual std::vector<keys::PublicKey> log_keys() = 0;  // that have signed receipts, the present one first
    // Nothing where the log does not have it yet.
    virtual std::optional<std::string> tile(const Tile& tile) = 0;
    struct Inclusion {
        Sha256 leaf{};
        Proof proof;
    };
    virtual Inclusion inclusion(std::uint64_t index, std::uint64_t size) = 0;  // index < size <= log_size()
    virtual Proof consistency(std::uint64_t from, std::uint64_t to) = 0;       // from <= to <= log_size()
    // A checkpoint of this log with cosignatures. Durable when it returns; throws Error.
    virtual void keep_witnessed(std::string note) = 0;
};

// GET /meridian/v1/log/{zone}/checkpoint, /witnessed, /key, /jwks, /chain, /tile/..., /inclusion, /consistency
void add_log_routes(http::Router& router, PublicLog& log, Pool& pool, const geography::Zone& zone);

}  // namespace meridian::metering
