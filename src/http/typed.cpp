#include "http/typed.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "http/origin.h"

namespace meridian::http {

std::string Called::param(std::string_view name) const {
    for (const auto& [key, value] : params)
        if (key == name) return value;
    return {};
}

std::optional<std::string> query_text(const Called& call, std::string_view name) {
    for (const auto& [key, value] : call.query)
        if (key == name && !value.empty()) return value;
    return std::nullopt;
}

std::optional<bool> query_bool(const Called& call, std::string_view name) {
    const auto text = query_text(call, name);
    if (!text) return std::nullopt;
    if (const auto flag = parse_bool(*text)) return flag;
    typed_detail::bad_query(name, "must be true or false");
}

std::optional<Timestamp> query_time(const Called& call, std::string_view name) {
    const auto text = query_text(call, name);
    if (!text) return std::nullopt;
    if (const auto time = parse_rfc3339(*text)) return time;
    typed_detail::bad_query(name, "must be a time such as 2026-11-23T19:29:43.932078Z");
}

std::vector<std::string> query_list(const Called& call, std::string_view name) {
    std::vector<std::string> all;
    for (const auto& [key, value] : call.query)
        if (key == name && !value.empty()) all.push_back(value);
    return all;
}

namespace typed_detail {

namespace {

// Exactly this: the JavaScript client compares the whole value, and a charset after it makes every call fail.
constexpr const char* json_type = "application/json";

Json parameter(std::string_view name, Json of_value, std::string_view said) {
    return JsonObject{{"name", name}, {"in", "query"}, {"description", said}, {"schema", std::move(of_value)}};
}

Json count_schema(std::optional<std::uint64_t> most) {
    JsonObject made{{"type", "integer"}, {"minimum", 1}};
    if (most) made["maximum"] = *most;
    return made;
}

// An object schema around a list, which carries the list's components along.
Json around(std::string_view key, const Shape& items, std::string_view beside, Json beside_schema) {
    Json list = self_contained(items, Direction::out);
    JsonObject made{{"type", "object"}};
    if (auto* definitions = list.get_object().if_contains("$defs")) made["$defs"] = std::move(*definitions);
    list.get_object().erase("$defs");
    JsonObject properties;
    properties[key] = std::move(list);
    JsonArray names;
    names.emplace_back(key);
    if (!beside.empty()) {
        properties[beside] = std::move(beside_schema);
        names.emplace_back(beside);
    }
    made["properties"] = std::move(properties);
    made["required"] = std::move(names);
    return made;
}

}  // namespace

Called called(Exchange& exchange, const RouteFacts& route) {
    Request& request = exchange.request();
    Called made{.exchange = &exchange,
                .caller = exchange.caller,
                .params = request.params,
                .query = request.query,
                .request_id = request.id,
                .origin = nullptr};
    if (request.method != "GET" && request.method != "HEAD") {
        made.origin = std::make_shared<const Origin>(origin_of(request, route.operation, route.product));
    }
    return made;
}

Answering answering(Dialect dialect, const Called& call) {
    const auto download = query_text(call, "dl");
    return {.dialect = dialect, .wants_bytes = download && parse_bool(*download).value_or(false)};
}

bool has_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

Json body_json(const Request& request) {
    if (request.body.empty()) return JsonObject{};
    auto json = parse_json(request.body);
    if (json) return *std::move(json);
    throw Error(Fault::invalid, fmt::format("The body cannot be read: {}.", json.error().said));
}

Response json_response(int status, const Json& body) {
    return {.status = status, .headers = {{"Content-Type", json_type}}, .body = to_text(body)};
}

Response bytes_response(Bytes bytes) {
    Response made{.status = 200, .headers = {{"Content-Type", std::move(bytes.content_type)}}, .body = std::move(bytes.bytes)};
    // RFC 6266 with the encoded form only: it needs no quoting, whatever the name.
    if (!bytes.name.empty()) made.headers.add("Content-Disposition", "attachment; filename*=UTF-8''" + percent_encode(bytes.name));
    return made;
}

Response file_response(NamedFile file, const Answering& how) {
    if (how.wants_bytes) return bytes_response({std::move(file.content_type), std::move(file.name), std::move(file.bytes)});
    return json_response(200, JsonObject{{"name", file.name}, {"content_type", file.content_type}, {"content", base64(file.bytes)}});
}

Response list_response(std::string_view key, Json items, std::uint64_t total_count, Total total) {
    JsonObject body;
    body[key] = std::move(items);
    if (total == Total::body) body["total_count"] = total_count;
    Response made = json_response(200, body);
    if (total == Total::header) made.headers.add("X-Total-Count", std::to_string(total_count));
    return made;
}

Response cursor_response(std::string_view key, Json items, const std::optional<std::string>& next) {
    JsonObject body;
    body[key] = std::move(items);
    body["next_page_token"] = next ? Json(std::string_view(*next)) : Json(nullptr);
    return json_response(200, body);
}

Json with_status(Json fragment, int status) {
    fragment.as_object()[doc_status] = status;
    return fragment;
}

Json bytes_doc() { return JsonObject{{"type", "string"}, {"format", "binary"}, {doc_content_type, "application/octet-stream"}}; }

Json file_doc() {
    const JsonObject text{{"type", "string"}};
    const JsonObject encoded{{"type", "string"}, {"contentEncoding", "base64"}};
    JsonObject made{{"type", "object"}};
    made["properties"] = JsonObject{{"name", text}, {"content_type", text}, {"content", encoded}};
    made["required"] = JsonArray{"name", "content_type", "content"};
    return made;
}

Json list_doc(std::string_view key, const Shape& items, Total total) {
    const JsonObject count{{"type", "integer"}, {"minimum", 0}};
    return total == Total::body ? around(key, items, "total_count", count) : around(key, items, {}, nullptr);
}

Json cursor_doc(std::string_view key, const Shape& items) {
    JsonObject token;
    token["type"] = JsonArray{"string", "null"};
    return around(key, items, "next_page_token", std::move(token));
}

void add_parameters(RouteDoc& about, const Json& list) {
    if (!about.parameters.is_array()) about.parameters = JsonArray{};
    JsonArray& all = about.parameters.get_array();
    for (const auto& each : list.as_array()) {
        const auto is_same = [&](const Json& other) { return other.at("name") == each.at("name"); };
        if (std::none_of(all.begin(), all.end(), is_same)) all.push_back(each);
    }
}

void add_page_parameters(RouteDoc& about, bool by_cursor) {
    JsonArray list;
    if (by_cursor) {
        list.push_back(parameter("page_token", JsonObject{{"type", "string"}}, "The next_page_token of the answer before."));
    } else {
        list.push_back(parameter("page", count_schema({}), "Which page, from 1. One past the end is empty."));
    }
    list.push_back(parameter("page_size", count_schema(page_size_max), "How many a page; more than the maximum is served as the maximum."));
    add_parameters(about, list);
}

void no_such(std::string_view param_name, const std::string& text) {
    std::string_view what = param_name;
    if (what.ends_with("_id")) what.remove_suffix(3);
    if (what == "id") what = "resource";
    throw Error(Fault::not_found, fmt::format("There is no {} \"{}\".", what, text)).about(std::string(what), text);
}

void bad_query(std::string_view name, std::string help_text) {
    throw invalid(std::string(name), FieldProblem::Reason::format, std::move(help_text));
}

std::string words_text(const Shape& shape) {
    std::string text;
    for (const auto& each : shape.words) text.append(text.empty() ? "must be one of: " : ", ").append(each.word);
    return text;
}

}  // namespace typed_detail

}  // namespace meridian::http
