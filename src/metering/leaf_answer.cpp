#include "metering/leaf_answer.h"

namespace meridian::metering {
namespace {

// An Accept header that asks for the JWS by name; a wildcard gets the proof.
bool asks_for_jws(const http::Request& request) { return request.headers.get("accept").find("application/jose") != std::string_view::npos; }

}  // namespace

Task<http::Response> leaf_answer(Meter& meter, RunId id, const http::Request& request) {
    if (asks_for_jws(request)) co_return http::Response{200, {{"Content-Type", "application/jose"}}, co_await meter.jws(id)};
    co_return http::Response{200, {{"Content-Type", "application/json"}}, to_text(co_await meter.proof(id))};
}

}  // namespace meridian::metering
