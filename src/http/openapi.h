// The API's own description: an OpenAPI 3.1 document built from the routes, so that it cannot disagree with them.
#pragma once
#include <span>
#include <string>

#include "base/json.h"
#include "http/route.h"

namespace meridian::http {

struct ApiInfo {
    std::string title = "Meridian";
    std::string version = {};
    std::string description = {};
    std::string server_url = "/";
};

// Every route appears once, with a unique operationId. Two different schemas under one name are an assertion: give one of
// the structs a `schema_name`. A request's schema that differs from the response's of the same struct is named "...Input".
Json openapi_document(std::span<const Route> routes, const ApiInfo& info);

// GET /openapi.json for anyone. The document is made at the first request, when all routes have been added; `router` must
// outlive the route, which it does when the route is its own.
Route openapi_route(const Router& router, ApiInfo info);

}  // namespace meridian::http
