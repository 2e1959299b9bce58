// Scaleway's billing/v2beta1 over the receipts: what was consumed, and a bill for every month of UTC.
#include <fmt/format.h>

#include <algorithm>

#include "metering/books/csv.h"
#include "metering/books/sight.h"
#include "resource/fields.h"

namespace meridian::metering {
namespace {

using http::Call;
using http::doc;

// A run counts in the month in which it began; a bill is a draft until those that began in its last hours have ended.
constexpr auto closing_time = std::chrono::hours(24);
constexpr std::size_t months_max = 1200;

enum class ConsumptionOrder { updated_at_desc, updated_at_asc, category_name_desc, category_name_asc };
constexpr auto names(As<ConsumptionOrder>) {
    return words<ConsumptionOrder>({{ConsumptionOrder::updated_at_desc, "updated_at_desc"},
                                    {ConsumptionOrder::updated_at_asc, "updated_at_asc"},
                                    {ConsumptionOrder::category_name_desc, "category_name_desc"},
                                    {ConsumptionOrder::category_name_asc, "category_name_asc"}});
}

struct ConsumptionWish {
    ConsumptionOrder order_by = ConsumptionOrder::updated_at_desc;
    std::string category_name, billing_period;
    std::optional<OrganizationId> organization_id;
    std::optional<ProjectId> project_id;
};
constexpr auto describe(As<ConsumptionWish>) {
    using W = ConsumptionWish;
    return fields(field("order_by", &W::order_by, defaulted), field("category_name", &W::category_name, defaulted),
                  field("billing_period", &W::billing_period, defaulted, help("2026-11; the current month when absent")),
                  field("organization_id", &W::organization_id), field("project_id", &W::project_id));
}

Span month_asked(const std::string& text, Timestamp now) {
    if (text.empty()) return bill_month(now);
    const auto month = parse_month(text);
    if (!month) throw invalid("billing_period", FieldProblem::Reason::format, "must be a month such as 2026-11");
    return *month;
}

std::string_view category(Kind kind) { return field_of(kind) == Field::ai ? "AI" : "Quantum"; }

// One line of a bill: what one project ran of one kind and model.
struct BillLine {
    ProjectId project;
    Kind kind{};
    std::string model;
    Totals totals;
};
std::vector<BillLine> lines_of(const std::vector<UsageRow>& rows) {
    std::map<std::tuple<ProjectId, Kind, std::string>, Totals> sums;
    for (const auto& row : rows) sums[{row.project, row.kind, row.model}] += row.totals;
    std::vector<BillLine> lines;
    for (const auto& [key, totals] : sums) lines.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), totals});
    return lines;
}
Money total_of(const std::vector<UsageRow>& rows) {
    Totals sum;
    for (const auto& row : rows) sum += row.totals;
    return sum.cost;
}

Json page_json(std::string_view key, std::vector<Json> all, const http::Called& call, JsonObject more = {}) {
    auto page = page_of(std::move(all), call.page());
    JsonArray items;
    for (auto& item : page.items) items.push_back(std::move(item));
    more[key] = std::move(items);
    more["total_count"] = page.total_count;
    return more;
}

Task<Json> consumptions(std::shared_ptr<Sight> sight, Call<ConsumptionWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto& in = call.in;
    Sight::check_organization(caller, in.organization_id);
    const auto month = month_asked(in.billing_period, sight->now());
    auto lines = lines_of(co_await sight->rows(caller, in.project_id, {month.from, month.to}));
    const auto names = co_await sight->names(caller);
    if (!in.category_name.empty()) std::erase_if(lines, [&](const BillLine& l) { return category(l.kind) != in.category_name; });
    if (in.order_by == ConsumptionOrder::category_name_asc || in.order_by == ConsumptionOrder::category_name_desc) {
        const bool descending = in.order_by == ConsumptionOrder::category_name_desc;
        const auto place = [](const BillLine& l) { return std::tuple(category(l.kind), l.project, l.kind, std::string_view(l.model)); };
        std::ranges::sort(lines,
                          [&](const BillLine& a, const BillLine& b) { return descending ? place(b) < place(a) : place(a) < place(b); });
    }
    std::vector<Json> all;
    for (const auto& l : lines) {
        const auto measure = measure_of(l.kind, l.totals);
        all.push_back(JsonObject{{"value", money_json(l.totals.cost)},
                                 {"product_name", title(l.kind)},
                                 {"resource_name", l.model},
                                 {"sku", sku(l.kind, l.model)},
                                 {"project_id", l.project.str()},
                                 {"category_name", category(l.kind)},
                                 {"unit", measure.unit},
                                 {"billed_quantity", measure.quantity},
                                 {"consumer_id", caller.organization.str()},
                                 {"project_name", names.project(l.project)},
                                 {"organization_name", names.organization}});
    }
    co_return page_json("consumptions", std::move(all), call,
                        {{"total_discount_untaxed_value", 0.0}, {"updated_at", rfc3339(sight->now())}});
}

// Taxes and discounts: none is reckoned here, and the lists say so by being empty.
struct OrganizationWish {
    std::optional<OrganizationId> organization_id;
};
constexpr auto describe(As<OrganizationWish>) { return fields(field("organization_id", &OrganizationWish::organization_id)); }

Json empty_list(std::string_view key, const Sight& sight, const Call<OrganizationWish>& call) {
    Sight::check_organization(call.caller_as<identity::Caller>(), call.in.organization_id);
    return JsonObject{{key, JsonArray()}, {"total_count", 0}, {"updated_at", rfc3339(sight.now())}};
}

[[noreturn]] Json redeem(const Call<>&) {
    throw Error(Fault::precondition, "There are no coupons here: what is to be paid is what the receipts say.").about("coupon", "");
}

// --- Invoices.
enum class InvoiceType { unknown_type, periodic, purchase, credit_note };
constexpr auto names(As<InvoiceType>) {
    return words<InvoiceType>({{InvoiceType::unknown_type, "unknown_type"},
                               {InvoiceType::periodic, "periodic"},
                               {InvoiceType::purchase, "purchase"},
                               {InvoiceType::credit_note, "credit_note"}});
}

struct InvoiceWish {
    std::optional<OrganizationId> organization_id;
    std::optional<Timestamp> after, before;
    InvoiceType type = InvoiceType::unknown_type;
    std::string order_by;
};
constexpr auto describe(As<InvoiceWish>) {
    using W = InvoiceWish;
    return fields(
        field("organization_id", &W::organization_id), field("billing_period_start_after", &W::after),
        field("billing_period_start_before", &W::before), field("invoice_type", &W::type, defaulted),
        field("order_by", &W::order_by, defaulted,
              help("invoice_number, start_date, issued_date, due_date, total_untaxed, total_taxed or invoice_type, and _desc or _asc")));
}

struct Invoice {
    Span month;
    Money total;
    bool is_draft = true;
    [[nodiscard]] std::string period() const { return rfc3339(month.from).substr(0, 7); }
    // The year and the month: a number that grows, and that everybody reckons alike.
    [[nodiscard]] int number() const { return std::stoi(period().substr(0, 4)) * 100 + std::stoi(period().substr(5, 2)); }
};

Task<std::vector<Invoice>> invoices(std::shared_ptr<Sight> sight, identity::Caller caller) {
    std::vector<Invoice> made;
    // A bill is of a whole organization; whoever sees one project sees none.
    const auto first = caller.reach.is_everywhere() ? co_await sight->first_run(caller) : std::nullopt;
    if (!first) co_return made;
    std::vector<Timestamp> edges{bill_month(*first).from};
    while (edges.back() <= sight->now() && edges.size() <= months_max) edges.push_back(bill_month(edges.back()).to);
    const auto rows = co_await sight->rows(caller, std::nullopt, edges);
    std::vector<Totals> sums(edges.size() - 1);
    for (const auto& row : rows) sums[row.period] += row.totals;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i].runs == 0) continue;
        made.push_back({{edges[i], edges[i + 1]}, sums[i].cost, edges[i + 1] + closing_time > sight->now()});
    }
    co_return made;
}

Json invoice_json(const Invoice& i, const identity::Caller& caller, const std::string& organization_name, const Sight& sight) {
    const auto issued = i.is_draft ? Json(nullptr) : Json(rfc3339(i.month.to + closing_time));
    return JsonObject{{"id", invoice_id(caller.organization, i.month.from).str()},
                      {"organization_id", caller.organization.str()},
                      {"organization_name", organization_name},
                      {"start_date", rfc3339(i.month.from)},
                      {"stop_date", rfc3339(i.month.to)},
                      {"billing_period", rfc3339(i.month.from)},
                      {"issued_date", issued},
                      {"due_date", nullptr},
                      {"total_untaxed", money_json(i.total)},
                      {"total_taxed", money_json(i.total)},
                      {"total_tax", money_json(Money())},
                      {"total_discount", money_json(Money())},
                      {"total_undiscount", money_json(i.total)},
                      {"type", "periodic"},
                      {"state", i.is_draft ? "draft" : "issued"},
                      {"number", i.number()},
                      {"seller_name", sight.operator_name()}};
}

// All months are issued in their order, so that dates, numbers and types fall alike.
void sort(std::vector<Invoice>& all, const std::string& order) {
    const bool by_total = order.starts_with("total_");
    std::ranges::sort(all, [&](const Invoice& a, const Invoice& b) {
        return by_total ? std::pair(a.total, a.month.from) < std::pair(b.total, b.month.from) : a.month.from < b.month.from;
    });
    if (!order.ends_with("_asc")) std::ranges::reverse(all);
}

Task<std::vector<Invoice>> invoices_asked(std::shared_ptr<Sight> sight, identity::Caller caller, InvoiceWish wish) {
    Sight::check_organization(caller, wish.organization_id);
    auto all = co_await invoices(sight, caller);
    std::erase_if(all, [&](const Invoice& i) {
        return (wish.after && i.month.from < *wish.after) || (wish.before && i.month.from >= *wish.before) ||
               (wish.type != InvoiceType::unknown_type && wish.type != InvoiceType::periodic);
    });
    sort(all, wish.order_by);
    co_return all;
}

Task<Json> list_invoices(std::shared_ptr<Sight> sight, Call<InvoiceWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto names = co_await sight->names(caller);
    std::vector<Json> all;
    for (const auto& invoice : co_await invoices_asked(sight, caller, call.in))
        all.push_back(invoice_json(invoice, caller, names.organization, *sight));
    co_return page_json("invoices", std::move(all), call);
}

Task<http::NamedFile> export_invoices(std::shared_ptr<Sight> sight, Call<InvoiceWish> call) {
    const auto caller = call.caller_as<identity::Caller>();
    Csv csv;
    csv.row({"number", "id", "state", "start_date", "stop_date", "total_untaxed", "total_tax", "total_taxed", "currency"});
    for (const auto& i : co_await invoices_asked(sight, caller, call.in)) {
        csv.row({std::to_string(i.number()), invoice_id(caller.organization, i.month.from).str(), i.is_draft ? "draft" : "issued",
                 rfc3339(i.month.from), rfc3339(i.month.to), i.total.str(), "0", i.total.str(), "EUR"});
    }
    co_return http::NamedFile{"invoices.csv", "text/csv", csv.take()};
}

Task<Invoice> invoice_asked(std::shared_ptr<Sight> sight, identity::Caller caller, std::string id) {
    for (const auto& invoice : co_await invoices(sight, caller))
        if (invoice_id(caller.organization, invoice.month.from).str() == id) co_return invoice;
    throw Error(Fault::not_found, "There is no invoice with this id.").about("invoice", id);
}

Task<Json> get_invoice(std::shared_ptr<Sight> sight, Call<> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto invoice = co_await invoice_asked(sight, caller, call.param("invoice_id"));
    const auto names = co_await sight->names(caller);
    co_return invoice_json(invoice, caller, names.organization, *sight);
}

Task<http::NamedFile> download_invoice(std::shared_ptr<Sight> sight, Call<> call) {
    const auto caller = call.caller_as<identity::Caller>();
    const auto invoice = co_await invoice_asked(sight, caller, call.param("invoice_id"));
    const auto rows = co_await sight->rows(caller, std::nullopt, {invoice.month.from, invoice.month.to});
    const auto names = co_await sight->names(caller);
    Csv csv;
    csv.row({"billing_period", "project_id", "project_name", "product", "model", "runs", "billed_quantity", "unit", "amount", "currency"});
    for (const auto& l : lines_of(rows)) {
        const auto measure = measure_of(l.kind, l.totals);
        csv.row({invoice.period(), l.project.str(), Csv::text(names.project(l.project)), std::string(title(l.kind)), Csv::text(l.model),
                 std::to_string(l.totals.runs), measure.quantity, std::string(measure.unit), l.totals.cost.str(), "EUR"});
    }
    csv.row({invoice.period(), "", "", "total", "", "", "", "", total_of(rows).str(), "EUR"});
    co_return http::NamedFile{fmt::format("invoice-{}{}.csv", invoice.period(), invoice.is_draft ? "-draft" : ""), "text/csv", csv.take()};
}

}  // namespace

void add_billing_routes(http::Router& router, const BookParts& parts) {
    const auto sight = std::make_shared<Sight>(parts);
    const auto s = http::Dialect::scaleway;
    const std::string base = "/billing/v2beta1";
    const auto may = read_bills();
    router.add(http::typed<ConsumptionWish, Json>("GET", base + "/consumptions", may, s,
                                                  doc("ListConsumptions", "What a month's runs cost", "billing"),
                                                  [sight](Call<ConsumptionWish> call) { return consumptions(sight, std::move(call)); }));
    router.add(http::typed<OrganizationWish, Json>("GET", base + "/taxes", may, s,
                                                   doc("ListTaxes", "None: taxes are not reckoned", "billing"),
                                                   [sight](Call<OrganizationWish> call) { return empty_list("taxes", *sight, call); }));
    router.add(http::typed<OrganizationWish, Json>("GET", base + "/discounts", may, s,
                                                   doc("ListDiscounts", "None: there are none", "billing"),
                                                   [sight](Call<OrganizationWish> call) { return empty_list("discounts", *sight, call); }));
    router.add(http::typed<http::Nothing, Json>("POST", base + "/redeem-coupon", {"update", "billing"}, s,
                                                doc("RedeemCoupon", "Refused: there are no coupons", "billing"),
                                                [](Call<> call) -> Json { return redeem(call); }));
    router.add(http::typed<InvoiceWish, Json>("GET", base + "/invoices", may, s, doc("ListInvoices", "The months' bills", "billing"),
                                              [sight](Call<InvoiceWish> call) { return list_invoices(sight, std::move(call)); }));
    router.add(http::typed<InvoiceWish, http::NamedFile>(
        "GET", base + "/export-invoices", may, s, doc("ExportInvoices", "The months' bills as CSV", "billing"),
        [sight](Call<InvoiceWish> call) { return export_invoices(sight, std::move(call)); }));
    router.add(http::typed<http::Nothing, Json>("GET", base + "/invoices/{invoice_id}", may, s,
                                                doc("GetInvoice", "A month's bill", "billing"),
                                                [sight](Call<> call) { return get_invoice(sight, std::move(call)); }));
    router.add(http::typed<http::Nothing, http::NamedFile>("GET", base + "/invoices/{invoice_id}/download", may, s,
                                                           doc("DownloadInvoice", "A month's bill with its lines, as CSV", "billing"),
                                                           [sight](Call<> call) { return download_invoice(sight, std::move(call)); }));
}

}  // namespace meridian::metering
