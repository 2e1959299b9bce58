#include "metering/quote/store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/json.h"
#include "resource/json_bind.h"

namespace meridian::metering {

constexpr auto describe(As<QuoteLine>) {
    using L = QuoteLine;
    return fields(field("unit", &L::unit), field("quantity", &L::quantity), field("amount", &L::amount));
}
constexpr auto describe(As<Price>) {
    using P = Price;
    return fields(field("input_per_million", &P::input_per_million), field("output_per_million", &P::output_per_million),
                  field("cached_per_million", &P::cached_per_million), field("per_hour", &P::per_hour), field("per_shot", &P::per_shot),
                  field("per_circuit", &P::per_circuit));
}
constexpr auto describe(As<Work>) { return fields(field("certain", &Work::certain), field("open", &Work::open)); }
constexpr auto describe(As<Seconds>) {
    using S = Seconds;
    return fields(field("expected", &S::expected), field("low", &S::low), field("high", &S::high), field("runs", &S::runs));
}
constexpr auto describe(As<Offer>) {
    using O = Offer;
    return fields(field("zone", &O::zone), field("node_type", &O::node_type), field("binding", &O::binding), field("price", &O::price),
                  field("lines", &O::lines), field("rates", &O::rates), field("energy", &O::energy),
                  field("energy_basis", &O::energy_basis), field("co2_milligrams", &O::co2_milligrams), field("interval", &O::interval),
                  field("work", &O::work), field("guess", &O::guess), field("seconds", &O::seconds), field("nodes", &O::nodes));
}

namespace {

struct Document {
    std::vector<Offer> offers;
};
constexpr auto describe(As<Document>) { return fields(field("offers", &Document::offers)); }

Quote quote_from(const store::Row& row) {
    const auto json = parse_json(row.get<std::string>("document"));
    const auto kind = from_word<QuoteKind>(row.get<std::string>("kind"));
    if (!json || !kind) throw Error(Fault::bug, "A stored quote is damaged.", row.get<std::string>("id"));
    return {.id = store::id_in<QuoteId>(row, "id"),
            .organization = store::id_in<OrganizationId>(row, "organization_id"),
            .project = store::id_in<ProjectId>(row, "project_id"),
            .principal = store::id_in<PrincipalId>(row, "principal_id"),
            .kind = *kind,
            .model = row.get<std::string>("model"),
            .digest = row.get<std::string>("digest"),
            .offers = from_json<Document>(*json).offers,
            .created_at = row.get<Timestamp>("created_at"),
            .valid_until = row.get<Timestamp>("valid_until")};
}

std::vector<Quote> quotes_from(const std::vector<store::Row>& rows) {
    std::vector<Quote> made;
    made.reserve(rows.size());
    for (const auto& row : rows) made.push_back(quote_from(row));
    return made;
}

}  // namespace

namespace rows {

void insert(store::Tx& tx, const Quote& quote) {
    tx.run(
        "insert into quotes (id, organization_id, project_id, principal_id, kind, model, digest, document, created_at, valid_until) values "
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        quote.id, quote.organization, quote.project, quote.principal, word(quote.kind), quote.model, quote.digest,
        to_text(to_json(Document{quote.offers})), quote.created_at, quote.valid_until);
}

std::optional<Quote> quote(store::Tx& tx, const QuoteId& id) {
    const auto found = tx.query("select * from quotes where id = $1", id);
    if (found.empty()) return std::nullopt;
    return quote_from(found.front());
}

std::vector<Quote> quotes(store::Tx& tx, const QuoteFilter& filter) {
    std::vector<store::Value> values{store::value(filter.organization), store::value(static_cast<std::int64_t>(filter.limit))};
    const auto put = [&](store::Value value) {
        values.push_back(std::move(value));
        return fmt::format("${}", values.size());
    };
    std::string sql = "select * from quotes where organization_id = $1";
    if (filter.before) sql += " and id < " + put(store::value(*filter.before));
    if (filter.projects) {
        std::vector<std::string> places;
        for (const auto& project : *filter.projects) places.push_back(put(store::value(project)));
        sql += fmt::format(" and project_id in ({})", places.empty() ? "null" : fmt::format("{}", fmt::join(places, ", ")));
    }
    return quotes_from(tx.do_query(sql + " order by id desc limit $2", values));
}

std::vector<Quote> quotes_until(store::Tx& tx, Timestamp since, std::size_t limit) {
    return quotes_from(tx.query("select * from quotes where valid_until > $1 order by id desc limit $2", since, limit));
}

void remove_quotes_before(store::Tx& tx, Timestamp created) { tx.run("delete from quotes where created_at < $1", created); }

}  // namespace rows

}  // namespace meridian::metering
