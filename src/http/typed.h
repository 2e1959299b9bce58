// Typed handlers: a struct in, a struct out. Parsing, paging, complaints, the answer's form and its page in the API document
// happen around them.
//
//   router.add(typed<CreateDeployment, DeploymentView>(
//       "POST", "/inference/v1/regions/{region}/deployments", may("create", "project"), Dialect::scaleway,
//       doc("CreateDeployment", "Create a deployment", "inference"),
//       [&api](Call<CreateDeployment> call) { return api.create(std::move(call)); }));
//
// The handler is a plain function or lambda that RETURNS a Task, made by calling a member function or free function that is a
// coroutine and takes its arguments by value. It must not be a coroutine itself: a lambda's captures die with the lambda
// object, not with the coroutine. One that needs no waiting may return the answer without a Task.
//
// In:  Nothing (the body is ignored: Python clients send "{}" with every GET), a described struct, or Json. A struct is read
//      from the body of POST, PUT and PATCH (an empty body reads as {}) and from the query of other methods.
// Out: a described struct, Json or list of them (200), Created<T>, NoContent, Listed<"key", T>, CursorListed<"key", T>,
//      Bytes, NamedFile, or a whole Response.
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/error.h"
#include "http/route.h"
#include "resource/json_bind.h"
#include "resource/page.h"
#include "resource/query_bind.h"
#include "resource/schema.h"

namespace meridian::http {

// --- What goes in.

struct Nothing {};

// What every handler gets, whatever its body.
struct Called {
    Exchange* exchange = nullptr;  // lives until the handler has ended
    std::shared_ptr<const Principal> caller;
    Params params;
    Query query;
    std::string request_id;
    std::shared_ptr<const Origin> origin;  // null for GET

    // The caller as the type that the program's authorizer makes, by value.
    template <std::derived_from<Principal> P>
    [[nodiscard]] P caller_as() const {
        const auto* principal = dynamic_cast<const P*>(caller.get());
        MERIDIAN_ASSERT(principal != nullptr);
        P made = *principal;
        made.origin = origin;
        return made;
    }
    [[nodiscard]] std::string param(std::string_view name) const;  // "" when the pattern has none of that name
    [[nodiscard]] Page page() const { return Page::from(query); }
    [[nodiscard]] CursorPage cursor_page() const { return CursorPage::from(query); }
};
template <class In = Nothing>
struct Call : Called {
    In in;
};

// An id in the path. One that cannot be parsed names nothing that exists: not_found, about "deployment" for "deployment_id".
template <class TypedId>
TypedId id_param(const Called& call, std::string_view name);

// Query parameters one by one; "" is absence. What does not parse is Error{invalid} that names the parameter.
std::optional<std::string> query_text(const Called& call, std::string_view name);
std::optional<bool> query_bool(const Called& call, std::string_view name);
std::optional<Timestamp> query_time(const Called& call, std::string_view name);
std::vector<std::string> query_list(const Called& call, std::string_view name);
template <class TypedId>
std::optional<TypedId> query_id(const Called& call, std::string_view name);
template <Worded E>
std::optional<E> query_word(const Called& call, std::string_view name);

// --- What comes out.

template <class T>
struct Created {  // 201; 200 in the Scaleway dialect, as there
    T value;
};
struct NoContent {};  // 204
struct Bytes {
    std::string content_type;
    std::string name;  // of the file to save as; may be empty
    std::string bytes;
};
// Scaleway's File: {"name", "content_type", "content": base64}; the bare bytes with ?dl=1.
struct NamedFile {
    std::string name, content_type, bytes;
};

template <std::size_t N>
struct Key {
    char text[N]{};
    consteval Key(const char (&from)[N]) { std::copy_n(from, N, text); }  // NOLINT(google-explicit-constructor): Listed<"deployments", T>
    [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};
// Where the total of a list travels. `header` is for instance/v1 only: Python copies X-Total-Count over the body's number.
enum class Total { body, header };
// {"deployments": [...], "total_count": 7}
template <Key key, Shaped T, Total total = Total::body>
struct Listed : Paged<T> {
    Listed() = default;
    Listed(Paged<T> page) : Paged<T>(std::move(page)) {}  // NOLINT(google-explicit-constructor): a page is what handlers have
};
// {"events": [...], "next_page_token": null}
template <Key key, Shaped T>
struct CursorListed : CursorPaged<T> {
    CursorListed() = default;
    CursorListed(CursorPaged<T> page) : CursorPaged<T>(std::move(page)) {}  // NOLINT(google-explicit-constructor)
};

// --- The route.

inline RouteDoc doc(std::string id, std::string summary, std::string tag) {
    return {.id = std::move(id), .summary = std::move(summary), .tag = std::move(tag)};
}

// A response fragment of RouteDoc may carry these beside the schema; http/openapi reads them.
inline constexpr std::string_view doc_status = "x-status";
inline constexpr std::string_view doc_content_type = "x-content-type";

namespace typed_detail {

struct Answering {
    Dialect dialect;
    bool wants_bytes;
};
// What every call of a route has in common.
struct RouteFacts {
    Dialect dialect;
    std::string operation, product;
};
Called called(Exchange& exchange, const RouteFacts& route);
Answering answering(Dialect dialect, const Called& call);
bool has_body(std::string_view method);
// The request body as JSON, {} when empty. Throws Error{invalid}.
Json body_json(const Request& request);
Response json_response(int status, const Json& body);
Response bytes_response(Bytes bytes);
Response file_response(NamedFile file, const Answering& how);
Response list_response(std::string_view key, Json items, std::uint64_t total_count, Total total);
Response cursor_response(std::string_view key, Json items, const std::optional<std::string>& next);
Json with_status(Json fragment, int status);
Json bytes_doc();
Json file_doc();
Json list_doc(std::string_view key, const Shape& items, Total total);
Json cursor_doc(std::string_view key, const Shape& items);
void add_page_parameters(RouteDoc& doc, bool by_cursor);
void add_parameters(RouteDoc& doc, const Json& list);
[[noreturn]] void no_such(std::string_view param_name, const std::string& text);
[[noreturn]] void bad_query(std::string_view name, std::string help_text);
std::string words_text(const Shape& shape);

// How each kind of answer becomes a Response, and what the document says of it.
template <class Out>
struct Form;
template <Shaped T>
struct Form<T> {
    static Response response(const T& out, const Answering&) { return json_response(200, to_json(out)); }
    static void document(RouteDoc& doc, Dialect) { doc.response = schema<T>(Direction::out); }
};
template <Shaped T>
struct Form<Created<T>> {
    static int status(Dialect dialect) { return dialect == Dialect::scaleway ? 200 : 201; }
    static Response response(const Created<T>& out, const Answering& how) { return json_response(status(how.dialect), to_json(out.value)); }
    static void document(RouteDoc& doc, Dialect dialect) { doc.response = with_status(schema<T>(Direction::out), status(dialect)); }
};
template <>
struct Form<NoContent> {
    static Response response(NoContent, const Answering&) { return {.status = 204, .headers = {}, .body = {}}; }
    static void document(RouteDoc& doc, Dialect) { doc.response = with_status(JsonObject{}, 204); }
};
template <>
struct Form<Bytes> {
    static Response response(Bytes out, const Answering&) { return bytes_response(std::move(out)); }
    static void document(RouteDoc& doc, Dialect) { doc.response = bytes_doc(); }
};
template <>
struct Form<NamedFile> {
    static Response response(NamedFile out, const Answering& how) { return file_response(std::move(out), how); }
    static void document(RouteDoc& doc, Dialect) { doc.response = file_doc(); }
};
template <>
struct Form<Response> {
    static Response response(Response out, const Answering&) { return out; }
    static void document(RouteDoc&, Dialect) {}
};
template <Key key, class T, Total total>
struct Form<Listed<key, T, total>> {
    static Response response(const Listed<key, T, total>& out, const Answering&) {
        return list_response(key.view(), to_json(out.items), out.total_count, total);
    }
    static void document(RouteDoc& doc, Dialect) {
        doc.response = list_doc(key.view(), shape_of<std::vector<T>>(), total);
        add_page_parameters(doc, false);
    }
};
template <Key key, class T>
struct Form<CursorListed<key, T>> {
    static Response response(const CursorListed<key, T>& out, const Answering&) {
        return cursor_response(key.view(), to_json(out.items), out.next_page_token);
    }
    static void document(RouteDoc& doc, Dialect) {
        doc.response = cursor_doc(key.view(), shape_of<std::vector<T>>());
        add_page_parameters(doc, true);
    }
};

template <class In>
In read_in(Exchange& exchange) {
    const Request& request = exchange.request();
    if constexpr (std::same_as<In, Nothing>) {
        return {};
    } else if constexpr (Described<In>) {
        return has_body(request.method) ? from_json<In>(body_json(request)) : from_query<In>(request.query);
    } else {
        return from_json<In>(body_json(request));
    }
}

template <class T>
struct Awaited {
    using type = T;
    static constexpr bool is_task = false;
};
template <class T, class E>
struct Awaited<asio::awaitable<T, E>> {
    using type = T;
    static constexpr bool is_task = true;
};

// `run` is a copy that lives as long as this frame, and so longer than what it returned.
template <class In, class Out, class F>
Task<> serve(Exchange& exchange, std::shared_ptr<const RouteFacts> route, F run) {
    Call<In> call{called(exchange, *route), read_in<In>(exchange)};
    const Answering how = answering(route->dialect, call);
    using Result = Awaited<std::invoke_result_t<F&, Call<In>>>;
    std::optional<Response> response;
    if constexpr (Result::is_task) {
        Out out = co_await run(std::move(call));
        response = Form<Out>::response(std::move(out), how);
    } else {
        response = Form<Out>::response(Out(run(std::move(call))), how);
    }
    co_await exchange.answer(*std::move(response));
}

}  // namespace typed_detail

template <class In, class Out, class F>
Route typed(std::string method, std::string pattern, Permission may, Dialect dialect, RouteDoc about, F run) {
    static_assert(std::invocable<F&, Call<In>>, "a handler takes a Call<In>");
    using Result = typename typed_detail::Awaited<std::invoke_result_t<F&, Call<In>>>::type;
    static_assert(std::convertible_to<Result, Out>, "a handler returns Out or Task<Out>");
    if constexpr (Described<In>) {
        if (typed_detail::has_body(method))
            about.request = schema<In>(Direction::in);
        else
            typed_detail::add_parameters(about, query_parameters(object_shape_of<In>()));
    } else if constexpr (!std::same_as<In, Nothing>) {
        about.request = schema<In>(Direction::in);
    }
    typed_detail::Form<Out>::document(about, dialect);
    auto facts = std::make_shared<const typed_detail::RouteFacts>(typed_detail::RouteFacts{dialect, about.id, about.tag});
    Handler handler = [facts = std::move(facts), run = std::move(run)](Exchange& exchange) {
        return typed_detail::serve<In, Out, F>(exchange, facts, run);
    };
    return {.method = std::move(method),
            .pattern = std::move(pattern),
            .may = std::move(may),
            .dialect = dialect,
            .handler = std::move(handler),
            .doc = std::move(about)};
}

template <class TypedId>
TypedId id_param(const Called& call, std::string_view name) {
    const std::string text = call.param(name);
    if (auto id = TypedId::parse(text)) return *id;
    typed_detail::no_such(name, text);
}
template <class TypedId>
std::optional<TypedId> query_id(const Called& call, std::string_view name) {
    const auto text = query_text(call, name);
    if (!text) return std::nullopt;
    if (auto id = TypedId::parse(*text)) return id;
    typed_detail::bad_query(name, "must be " + std::string(shape_of<TypedId>().what));
}
template <Worded E>
std::optional<E> query_word(const Called& call, std::string_view name) {
    const auto text = query_text(call, name);
    if (!text) return std::nullopt;
    if (auto value = from_word<E>(*text)) return value;
    typed_detail::bad_query(name, typed_detail::words_text(shape_of<E>()));
}

}  // namespace meridian::http
