// Prices on the wire, in the price list that comes with the program and over HTTP alike.
#include <fmt/format.h>

#include <ranges>

#include "http/typed.h"
#include "metering/prices/prices.h"

namespace meridian::metering {

struct HoursView {
    std::string from, to, time_zone;  // "22:00", "06:00", "Europe/Paris"
};
constexpr auto describe(As<HoursView>) {
    return fields(field("from", &HoursView::from), field("to", &HoursView::to), field("time_zone", &HoursView::time_zone));
}

struct PriceView {
    std::string id, sku;
    Unit unit = Unit::input_token;
    std::string eur;
    std::int64_t per = 1;
    std::optional<std::string> zone;
    Tier tier = Tier::interactive;
    std::optional<HoursView> hours;
    std::optional<Timestamp> valid_from, valid_until, created_at;
    bool is_shipped = false;
};
constexpr auto describe(As<PriceView>) {
    using P = PriceView;
    return fields(field("id", &P::id, read_only), field("sku", &P::sku, length{1, limits::price_sku}), field("unit", &P::unit),
                  field("eur", &P::eur, help("Euros for `per` units, at most nine decimals")),
                  field("per", &P::per, range{1, limits::price_per}, defaulted), field("zone", &P::zone),
                  field("tier", &P::tier, defaulted), field("hours", &P::hours), field("valid_from", &P::valid_from),
                  field("valid_until", &P::valid_until), field("created_at", &P::created_at, read_only),
                  field("shipped", &P::is_shipped, read_only))
        .strict();
}

namespace {

using http::Call;
using http::Permission;
using Reason = FieldProblem::Reason;

int minute_in(std::string_view name, const std::string& text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 99; };
    if (text.size() == 5 && text[2] == ':') {
        const int hour = digit(0) * 10 + digit(1), minute = digit(3) * 10 + digit(4);
        if (hour < 24 && minute < 60) return hour * 60 + minute;
    }
    throw invalid(std::string(name), Reason::format, "must be a time of the day such as 06:30");
}

std::string clock_text(int minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); }

PriceEntry entry_of(PriceView in) {
    PriceEntry made{.sku = std::move(in.sku), .unit = in.unit, .per = in.per, .zone = std::move(in.zone), .tier = in.tier};
    const auto rate = Money::parse(in.eur);
    if (!rate) throw invalid("eur", Reason::format, "must be euros such as \"0.25\", with at most nine decimals");
    made.rate = *rate;
    if (in.hours) {
        const auto zone = TimeZone::find(in.hours->time_zone);
        if (!zone) throw invalid("hours.time_zone", Reason::format, zone.error().said);
        made.hours = Hours{minute_in("hours.from", in.hours->from), minute_in("hours.to", in.hours->to), *zone};
    }
    made.valid_from = in.valid_from.value_or(Timestamp());
    made.valid_until = in.valid_until;
    return made;
}

PriceView view_of(const PriceEntry& entry) {
    PriceView made;
    made.id = entry.id.is_nil() ? "" : entry.id.str();
    made.sku = entry.sku;
    made.unit = entry.unit;
    made.eur = entry.rate.str();
    made.per = entry.per;
    made.zone = entry.zone;
    made.tier = entry.tier;
    if (entry.hours) made.hours = {clock_text(entry.hours->from_minute), clock_text(entry.hours->to_minute), entry.hours->zone.name()};
    if (!entry.id.is_nil()) made.created_at = entry.created_at;
    if (entry.valid_from != Timestamp()) made.valid_from = entry.valid_from;
    made.valid_until = entry.valid_until;
    made.is_shipped = entry.id.is_nil();
    return made;
}

// The newest first; those of the program, which are the oldest, last.
http::Listed<"prices", PriceView> list(const Prices& prices, const http::Called& call) {
    const auto sku = http::query_text(call, "sku");
    const auto book = prices.book();
    std::vector<PriceView> views;
    for (const auto& entry : book->entries() | std::views::reverse)
        if (!sku || entry.sku == *sku) views.push_back(view_of(entry));
    return page_of(std::move(views), call.page());
}

Task<http::Created<PriceView>> add(Prices& prices, Call<PriceView> call) {
    co_return http::Created<PriceView>{view_of(co_await prices.add(call.caller_as<identity::Caller>(), entry_of(std::move(call.in))))};
}

}  // namespace

expected<std::vector<PriceEntry>> read_price_list(const Json& list) {
    const auto* prices = member(list, "prices");
    if (!prices || !prices->is_array()) return complaint("The price list is a map with a list named 'prices'.");
    std::vector<PriceEntry> made;
    for (const auto& item : prices->get_array()) {
        const auto at = fmt::format("prices.{}", made.size());
        try {
            made.push_back(entry_of(from_json<PriceView>(item, {.at = at})));
        } catch (const Error& error) {
            const auto why = error.fields.empty() ? error.said : error.fields.front().name + " " + error.fields.front().help;
            return complaint(fmt::format("{}: {}", at, why));
        }
        if (const auto wrong = complaint_about(made.back())) return complaint(fmt::format("{}: {}", at, *wrong));
    }
    return made;
}

void add_price_routes(http::Router& router, Prices& prices) {
    const auto m = http::Dialect::meridian;
    router.add(http::typed<http::Nothing, http::Listed<"prices", PriceView>>(
        "GET", "/meridian/v1/prices", Permission{"read", "prices"}, m, http::doc("ListPrices", "The price list, newest first", "prices"),
        [&prices](Call<> call) { return list(prices, call); }));
    router.add(http::typed<PriceView, http::Created<PriceView>>(
        "POST", "/meridian/v1/prices", Permission{"create", "prices"}, m,
        http::doc("AddPrice", "Add a price; it supersedes an older one of the same thing from its valid_from on", "prices"),
        [&prices](Call<PriceView> call) { return add(prices, std::move(call)); }));
}

}  // namespace meridian::metering
