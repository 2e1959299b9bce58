// The installation's price list: what came with the program and what its operator added, kept in memory as it changes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/json.h"
#include "base/rng.h"
#include "geography/types.h"
#include "identity/service.h"
#include "metering/prices/book.h"
#include "store/follower.h"
#include "store/store.h"

namespace meridian::metering {

// {"prices": [{"sku": ..., "unit": ..., "eur": "0.25", "per": 1000000, ...}]}: the members of POST /meridian/v1/prices. The complaint is a
// sentence that says which of them is wrong.
expected<std::vector<PriceEntry>> read_price_list(const Json& list);

class Prices {
public:
    Prices(store::Store& store, Clock& clock, Rng& rng, geography::Zone zone, std::vector<PriceEntry> shipped);
    // Reads the rows. Blocking; before serving.
    void load() { book_.refresh(); }
    // Keeps the book fresh from the change feed.
    void follow(Executor executor) { book_.follow(std::move(executor)); }

    // What a run of `sku` that begins now in this zone is charged by. Reads memory alone.
    [[nodiscard]] Price now(std::string_view sku, const Price& otherwise, Tier tier = Tier::interactive) const;
    [[nodiscard]] std::optional<Money> rate_now(std::string_view sku, Unit unit, Tier tier = Tier::interactive) const;
    [[nodiscard]] std::shared_ptr<const PriceBook> book() const { return book_.now(); }
    [[nodiscard]] const geography::Zone& zone() const { return zone_; }
    [[nodiscard]] Timestamp time() const { return clock_.now(); }

    // Without `valid_from` it holds from now on; one in the past is refused. Durable when it returns, and known to `now`.
    Task<PriceEntry> add(identity::Caller caller, PriceEntry wish);

private:
    store::Store& store_;
    Clock& clock_;
    Rng& rng_;
    geography::Zone zone_;
    store::Follower<PriceBook> book_;
};

// GET and POST /meridian/v1/prices
void add_price_routes(http::Router& router, Prices& prices);

}  // namespace meridian::metering
