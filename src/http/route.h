// Routes are data: method, pattern, who may, how errors are said. Without a permission a route does not compile.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "http/dialect.h"
#include "http/types.h"

namespace meridian::http {

// Opaque to http: the words are the authorizer's. There is no default constructor, so a route cannot forget it.
struct Permission {
    std::string action;  // "read"
    std::string scope;   // "project"
    Permission() = delete;
    Permission(std::string a, std::string s) : action(std::move(a)), scope(std::move(s)) {}
};
// For the few routes that need no credential (health, the sign-in page, public prices).
inline Permission anyone() { return {"any", "public"}; }

// Thrown by an authorizer that has to read something first: the request waits for that, and is judged then.
struct LookUp {
    std::function<Task<>()> read;
};

class Authorizer {
public:
    virtual ~Authorizer() = default;
    // The caller, or throws Error (unauthenticated, denied) or LookUp. Called on the connection's loop: no I/O, no locks held long.
    virtual std::shared_ptr<const Principal> authorize(const Request& request, const Permission& permission) = 0;
};

// What the OpenAPI page says of a route.
struct RouteDoc {
    std::string id;                                                    // operationId: "ListDeployments"
    std::string summary;                                               // one line
    std::string tag;                                                   // "inference"
    Json parameters = nullptr, request = nullptr, response = nullptr;  // OpenAPI 3.1 fragments; null: none
};

struct Route {
    std::string method;
    std::string pattern;  // "/inference/v1/regions/{region}/deployments/{id}"; a last "{rest...}" takes the remaining path
    Permission may;
    Dialect dialect;
    Handler handler;
    RouteDoc doc;
    std::size_t body_max = 0;  // 0: the server's default
    bool may_be_shed = false;  // refused with 503 when the loop has more work than it can do
};

class Router {
public:
    explicit Router(Authorizer& authorizer);
    // Asserts that the pattern is well-formed and new.
    void add(Route route);
    [[nodiscard]] const std::vector<Route>& routes() const;

    // The route for a request head. `path` as it was sent: segments are decoded one by one, so that %2F stays inside its parameter.
    // Fills `params`.
    [[nodiscard]] const Route* match(std::string_view method, std::string_view path, Params& params) const;
    // Authorizes, runs the handler, renders what it throws in the route's dialect. Unknown paths and methods are answered
    // (404, 405 with Allow) in the dialect of the longest matching prefix.
    Task<> handle(Exchange& exchange) const;

    // The halves of `handle`, for a server that knows the limits of a body, and refuses it, before it reads it.
    struct Admission {
        const Route* route = nullptr;
        std::optional<Response> refusal;  // when set, the answer; `route` may be known or not
        std::function<Task<>()> look_up;  // when set, nothing is decided: ask `admit_after`
    };
    Admission admit(Exchange& exchange) const;
    Task<Admission> admit_after(Exchange& exchange, Admission undecided) const;
    Task<> run(Exchange& exchange, const Route& route) const;
    // For what goes wrong before or beside a route.
    [[nodiscard]] Dialect dialect_of(std::string_view path) const;

private:
    struct Node;
    Admission judge(Exchange& exchange, const Route& route) const;
    Authorizer& authorizer_;
    std::vector<Route> routes_;
    std::shared_ptr<Node> root_;
};

}  // namespace meridian::http
