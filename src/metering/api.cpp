// Receipts for those who may see them. What of the log is for everybody is in log/api.cpp.
#include <fmt/format.h>

#include "identity/service.h"
#include "metering/leaf_answer.h"
#include "metering/log/service.h"
#include "metering/page.h"
#include "metering/service.h"
#include "resource/json_bind.h"
#include "resource/page.h"

namespace meridian::metering {
namespace {

http::Permission read_receipts() { return {"read", "receipts"}; }

http::Response json_answer(const Json& body) { return {200, {{"Content-Type", "application/json"}}, to_text(body)}; }

[[noreturn]] void no_receipt(std::string_view id) {
    throw Error(Fault::not_found, "There is no receipt with this id.").about("receipt", std::string(id));
}

ReceiptFilter filter_of(const http::Request& request, const identity::Caller& caller, const CursorPage& page) {
    ReceiptFilter filter{.projects = {}, .organization = caller.organization, .limit = page.size + 1, .before_index = std::nullopt};
    if (!caller.reach.is_everywhere()) filter.projects.emplace(caller.reach.projects().begin(), caller.reach.projects().end());
    if (const auto text = request.query_value("project_id"); text && !text->empty()) {
        const auto project = ProjectId::parse(*text);
        if (!project) throw invalid("project_id", FieldProblem::Reason::format, "must be the id of a project");
        if (!caller.may_see(*project))
            throw Error(Fault::not_found, "There is no project with this id.").about("project", std::string(*text));
        filter.projects = {*project};
    }
    filter.before_index = leaf_before(page);
    return filter;
}

Task<> list_receipts(http::Exchange& exchange, Meter& meter, Pool& pool) {
    const auto page = CursorPage::from(exchange.request().query);
    const auto filter = filter_of(exchange.request(), identity::caller_of(exchange), page);
    auto found = cut(co_await on(pool, [&meter, filter] { return meter.list(filter); }), page,
                     [](const Receipt& last) { return std::to_string(last.index); });
    JsonArray receipts;
    for (auto& receipt : found.items) receipts.push_back(std::move(receipt.json));
    JsonObject body{{"receipts", std::move(receipts)}, {"next_page_token", nullptr}};
    if (found.next_page_token) body["next_page_token"] = *found.next_page_token;
    co_await exchange.answer(json_answer(std::move(body)));
}

Task<> show_receipt(http::Exchange& exchange, Meter& meter, Pool& pool) {
    const std::string text(exchange.request().param("id"));
    const auto id = RunId::parse(text);
    if (!id) no_receipt(text);
    const auto receipt = co_await on(pool, [&meter, id] { return meter.find(*id); });
    const auto& caller = identity::caller_of(exchange);
    if (!receipt || receipt->start.organization != caller.organization || !caller.may_see(receipt->start.project)) no_receipt(text);
    co_await exchange.answer(co_await leaf_answer(meter, *id, exchange.request()));
}

Json query_parameter(std::string_view name, std::string_view type, std::string_view what) {
    return JsonObject{{"name", name}, {"in", "query"}, {"required", false}, {"description", what}, {"schema", JsonObject{{"type", type}}}};
}

Json list_parameters() {
    return JsonArray{query_parameter("page_size", "integer", "How many, at most 1000; 50 when absent"),
                     query_parameter("page_token", "string", "The next_page_token of the answer before"),
                     query_parameter("project_id", "string", "Only this project's")};
}

}  // namespace

void add_routes(http::Router& router, Meter& meter, Pool& pool, const geography::Zone& zone) {
    const auto add = [&](std::string pattern, http::Permission may, http::Handler handler, http::RouteDoc doc) {
        router.add({"GET", std::move(pattern), std::move(may), http::Dialect::meridian, std::move(handler), std::move(doc)});
    };
    add("/meridian/v1/receipts", read_receipts(),
        [&meter, &pool](http::Exchange& exchange) { return list_receipts(exchange, meter, pool); },
        {"ListReceipts", "Receipts, newest first", "receipts", list_parameters()});
    add("/meridian/v1/receipts/{id}", read_receipts(),
        [&meter, &pool](http::Exchange& exchange) { return show_receipt(exchange, meter, pool); },
        {"GetReceipt", "One receipt with its proof, or as a JWS when application/jose is accepted", "receipts"});
    add_log_routes(router, meter.log(), pool, zone);
}

}  // namespace meridian::metering
