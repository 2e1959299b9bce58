// Mistral's form: wrong fields are told as FastAPI tells them (422), all else is an object called error.
#include <algorithm>
#include <charconv>

#include "http/dialect_forms.h"

namespace meridian::http::forms {
namespace {

// "messages.0.role" as ["body", "messages", 0, "role"].
JsonArray location(std::string_view path) {
    JsonArray out{"body"};
    while (!path.empty()) {
        const auto dot = std::min(path.find('.'), path.size());
        const auto part = path.substr(0, dot);
        path.remove_prefix(std::min(dot + 1, path.size()));
        std::int64_t index = 0;
        const auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), index);
        if (failed == std::errc() && end == part.data() + part.size()) {
            out.push_back(index);
        } else {
            out.push_back(text(part));
        }
    }
    return out;
}

std::string_view type(FieldProblem::Reason reason) {
    switch (reason) {
        case FieldProblem::Reason::unknown:
            return "extra_forbidden";
        case FieldProblem::Reason::required:
            return "missing";
        case FieldProblem::Reason::format:
            return "type_error";
        case FieldProblem::Reason::constraint:
            return "value_error";
    }
    return "value_error";
}

std::string_view type(Fault fault) {
    switch (fault) {
        case Fault::invalid:
        case Fault::conflict:
        case Fault::precondition:
        case Fault::gone:
        case Fault::too_large:
            return "invalid_request_error";
        case Fault::unauthenticated:
            return "unauthorized";
        case Fault::denied:
            return "forbidden";
        case Fault::not_found:
            return "not_found";
        case Fault::quota:
        case Fault::busy:
            return "rate_limited";
        case Fault::unavailable:
            return "service_unavailable";
        case Fault::bug:
            return "internal_server_error";
    }
    return "internal_server_error";
}

}  // namespace

Response mistral(const Said& said) {
    const auto& error = said.error;
    if (error.fault == Fault::invalid && !error.fields.empty()) {
        JsonArray detail;
        for (const auto& one : error.fields) {
            detail.push_back(JsonObject{{"loc", location(one.name)}, {"msg", text(one.help)}, {"type", text(type(one.reason))}});
        }
        return json_answer(422, JsonObject{{"detail", std::move(detail)}});
    }
    JsonObject body{{"object", "error"}, {"message", text(said.message)}, {"type", text(type(error.fault))}, {"code", nullptr}};
    if (!error.code.empty()) body["code"] = text(error.code);
    return json_answer(usual_status(error.fault), body);
}

}  // namespace meridian::http::forms
