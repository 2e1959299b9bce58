#include "metering/prices/prices.h"

#include <fmt/format.h>

#include <chrono>

#include "base/error.h"

namespace meridian::metering {
namespace {

constexpr std::string_view topic = "prices";

template <class E>
E stored_word(const store::Row& row, std::string_view column) {
    if (const auto known = from_word<E>(row.get<std::string>(column))) return *known;
    throw Error(Fault::bug, "A stored price is damaged.", std::string(column));
}

PriceEntry entry_from(const store::Row& row) {
    PriceEntry entry;
    entry.id = store::id_in<PriceId>(row, "id");
    entry.sku = row.get<std::string>("sku");
    entry.unit = stored_word<Unit>(row, "unit");
    entry.rate = row.get<Money>("rate");
    entry.per = row.get<std::int64_t>("per");
    entry.zone = row.get<std::optional<std::string>>("zone");
    entry.tier = stored_word<Tier>(row, "tier");
    if (const auto name = row.get<std::optional<std::string>>("time_zone")) {
        const auto zone = TimeZone::find(*name);
        if (!zone) throw Error(Fault::bug, "A stored price is damaged.", zone.error().said);
        entry.hours = Hours{row.get<int>("from_minute"), row.get<int>("to_minute"), *zone};
    }
    entry.valid_from = row.get<Timestamp>("valid_from");
    entry.valid_until = row.get<std::optional<Timestamp>>("valid_until");
    entry.created_at = row.get<Timestamp>("created_at");
    return entry;
}

void insert(store::Tx& tx, const PriceEntry& entry, const PrincipalId& by) {
    const auto& hours = entry.hours;
    tx.run(
        "insert into prices (id, sku, unit, rate, per, zone, tier, time_zone, from_minute, to_minute, valid_from, valid_until, created_at, "
        "principal_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        entry.id, entry.sku, word(entry.unit), entry.rate, entry.per, entry.zone, word(entry.tier),
        hours ? std::optional(hours->zone.name()) : std::nullopt, hours ? hours->from_minute : 0, hours ? hours->to_minute : 0,
        entry.valid_from, entry.valid_until, entry.created_at, by);
    tx.changed(topic, entry.id.str());
}

}  // namespace

Prices::Prices(store::Store& store, Clock& clock, Rng& rng, geography::Zone zone, std::vector<PriceEntry> shipped)
    : store_(store),
      clock_(clock),
      rng_(rng),
      zone_(std::move(zone)),
      book_(store, {std::string(topic)}, [shipped = std::move(shipped)](store::Tx& tx) {
          auto all = shipped;
          for (const auto& row : tx.query("select * from prices order by id")) all.push_back(entry_from(row));
          return PriceBook(std::move(all));
      }) {}

Price Prices::now(std::string_view sku, const Price& otherwise, Tier tier) const {
    return book()->find({.sku = sku, .zone = zone_.str(), .tier = tier, .at = clock_.now()}, otherwise);
}

std::optional<Money> Prices::rate_now(std::string_view sku, Unit unit, Tier tier) const {
    return book()->rate({.sku = sku, .zone = zone_.str(), .tier = tier, .at = clock_.now()}, unit);
}

Task<PriceEntry> Prices::add(identity::Caller caller, PriceEntry wish) {
    const auto now = clock_.now();
    if (wish.valid_from == Timestamp()) wish.valid_from = now;
    if (wish.valid_from < now) {
        throw Error(Fault::invalid, "A price holds from now on or later: what was charged stays as it was.")
            .with({"valid_from", FieldProblem::Reason::constraint, "not in the past"});
    }
    if (const auto wrong = complaint_about(wish)) throw Error(Fault::invalid, *wrong);
    wish.created_at = now;
    wish.id = PriceId(Uuid::ordered(rng_, std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count()));
    co_await on(store_.pool(), [this, &wish, &caller] {
        store_.write_now(identity::author_of(caller), [&](store::Tx& tx) {
            if (tx.query("select count(*) as n from prices").front().get<std::uint64_t>("n") >= limits::price_entries)
                throw Error(Fault::quota, fmt::format("There are at most {} prices.", limits::price_entries));
            insert(tx, wish, caller.principal);
        });
        book_.refresh();
    });
    co_return wish;
}

}  // namespace meridian::metering
