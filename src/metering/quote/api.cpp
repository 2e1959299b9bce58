// Quotes on the wire.
#include "http/typed.h"
#include "metering/quote/quotes.h"

namespace meridian::metering {

struct CreateQuote {
    QuoteKind kind = QuoteKind::chat;
    std::optional<ProjectId> project_id;
    Json request;
};
constexpr auto describe(As<CreateQuote>) {
    using C = CreateQuote;
    return fields(field("kind", &C::kind), field("project_id", &C::project_id),
                  field("request", &C::request, help("What the run would be sent: docs/ledger.md says the form for each kind")))
        .strict();
}

namespace {

using http::Call;
using http::Permission;

Json seconds_view(const Seconds& seconds) {
    return JsonObject{{"expected", seconds.expected},
                      {"low", seconds.low},
                      {"high", seconds.high},
                      {"share", limits::interval_share},
                      {"learned_from_runs", seconds.runs}};
}

Json rates_view(const Price& rates, QuoteKind kind) {
    if (kind == QuoteKind::quantum_job || kind == QuoteKind::deployment)
        return JsonObject{{"per_hour", rates.per_hour.str()}, {"per_shot", rates.per_shot.str()}, {"per_circuit", rates.per_circuit.str()}};
    JsonObject view{{"input_per_million", rates.input_per_million.str()}, {"output_per_million", rates.output_per_million.str()}};
    if (rates.cached_per_million) view["cached_per_million"] = rates.cached_per_million->str();
    return view;
}

Json view(const Offer& offer, QuoteKind kind) {
    JsonArray lines;
    for (const auto& line : offer.lines)
        lines.push_back(JsonObject{{"unit", line.unit}, {"quantity", line.quantity}, {"amount", line.amount.str()}});
    JsonObject made{{"zone", offer.zone},
                    {"node_type", nullptr},
                    {"binding", word(offer.binding)},
                    {"price", offer.price.str()},
                    {"currency", "EUR"},
                    {"lines", std::move(lines)},
                    {"rates", rates_view(offer.rates, kind)},
                    {"energy_millijoules", nullptr},
                    {"energy_basis", offer.energy ? offer.energy_basis : "unknown"},
                    {"co2_milligrams", nullptr},
                    {"seconds", seconds_view(offer.seconds)}};
    if (!offer.node_type.empty()) made["node_type"] = offer.node_type;
    if (offer.energy) made["energy_millijoules"] = offer.energy->count();
    if (offer.co2_milligrams) made["co2_milligrams"] = *offer.co2_milligrams;
    return made;
}

Json view(const SeenQuote& seen) {
    const auto& quote = seen.quote;
    JsonArray offers;
    for (const auto& offer : quote.offers) offers.push_back(view(offer, quote.kind));
    JsonObject made{{"id", quote.id.str()},
                    {"kind", word(quote.kind)},
                    {"project_id", quote.project.str()},
                    {"model", quote.model},
                    {"state", word(seen.state)},
                    {"receipt_id", nullptr},
                    {"offers", std::move(offers)},
                    {"created_at", rfc3339(quote.created_at)},
                    {"valid_until", rfc3339(quote.valid_until)}};
    if (seen.run) made["receipt_id"] = seen.run->str();
    return made;
}

Task<http::Created<Json>> create(Quotes& quotes, Call<CreateQuote> call) {
    const auto caller = call.caller_as<identity::Caller>();
    co_return http::Created<Json>{
        view(co_await quotes.create(caller, {.kind = call.in.kind, .project = call.in.project_id, .request = std::move(call.in.request)}))};
}

Task<Json> show(Quotes& quotes, Call<> call) {
    co_return view(co_await quotes.get(call.caller_as<identity::Caller>(), http::id_param<QuoteId>(call, "quote_id")));
}

Task<Json> list(Quotes& quotes, Call<> call) {
    const auto page = call.cursor_page();
    const auto before = page.after ? QuoteId::parse(*page.after) : std::nullopt;
    if (page.after && !before) throw invalid("page_token", FieldProblem::Reason::format, "must be a next_page_token of an earlier answer");
    auto found = cut(co_await quotes.list(call.caller_as<identity::Caller>(), before, page.size + 1), page,
                     [](const SeenQuote& last) { return last.quote.id.str(); });
    JsonArray views;
    for (const auto& each : found.items) views.push_back(view(each));
    JsonObject body{{"quotes", std::move(views)}, {"next_page_token", nullptr}};
    if (found.next_page_token) body["next_page_token"] = *found.next_page_token;
    co_return body;
}

}  // namespace

void add_quote_routes(http::Router& router, Quotes& quotes) {
    const auto m = http::Dialect::meridian;
    const std::string all = "/meridian/v1/quotes";
    auto create_route = http::typed<CreateQuote, http::Created<Json>>(
        "POST", all, Permission{"invoke", "quotes"}, m,
        http::doc("CreateQuote", "What a run would cost at most, how long it would take, and what energy", "quotes"),
        [&quotes](Call<CreateQuote> call) { return create(quotes, std::move(call)); });
    create_route.body_max = limits::quote_body_bytes;
    router.add(std::move(create_route));
    router.add(http::typed<http::Nothing, Json>("GET", all, Permission{"read", "quotes"}, m,
                                                http::doc("ListQuotes", "Quotes, newest first", "quotes"),
                                                [&quotes](Call<> call) { return list(quotes, std::move(call)); }));
    router.add(http::typed<http::Nothing, Json>("GET", all + "/{quote_id}", Permission{"read", "quotes"}, m,
                                                http::doc("GetQuote", "One quote, and the run that used it", "quotes"),
                                                [&quotes](Call<> call) { return show(quotes, std::move(call)); }));
}

}  // namespace meridian::metering
