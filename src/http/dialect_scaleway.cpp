// Scaleway's form. The SDKs choose the exception by `type` alone and then insist on every further key.
#include <array>

#include "http/dialect_forms.h"

namespace meridian::http::forms {
namespace {

// `said` where it is a word that the SDK's enum knows. Reason and action travel in `state`: `code` is the word of OpenAI's dialect.
template <std::size_t N>
std::string_view known(std::string_view said, const std::array<std::string_view, N>& words, std::string_view otherwise) {
    for (const auto one : words) {
        if (one == said) return one;
    }
    return otherwise;
}

JsonArray argument_details(const Error& error) {
    JsonArray out;
    for (const auto& one : error.fields) {
        out.push_back(JsonObject{{"argument_name", text(one.name)}, {"reason", text(word(one.reason))}, {"help_message", text(one.help)}});
    }
    return out;
}

std::string_view or_unknown(std::string_view word) { return word.empty() ? "unknown" : word; }

}  // namespace

Response scaleway(const Said& said) {
    const auto& error = said.error;
    int status = usual_status(error.fault);
    JsonObject body{{"type", ""}, {"message", text(said.message)}};
    const auto add_resource = [&] {
        body["resource"] = text(or_unknown(error.resource));
        body["resource_id"] = text(error.resource_id);
    };
    switch (error.fault) {
        case Fault::invalid:
        case Fault::too_large:
            body["type"] = "invalid_arguments";
            body["details"] = argument_details(error);
            break;
        case Fault::unauthenticated:
            body["type"] = "denied_authentication";
            body["method"] = "api_key";
            body["reason"] =
                text(known(error.state, std::array<std::string_view, 3>{"invalid_argument", "not_found", "expired"}, "unknown_reason"));
            break;
        case Fault::denied:
            body["type"] = "permissions_denied";
            body["details"] =
                JsonArray{JsonObject{{"resource", text(or_unknown(error.resource))}, {"action", text(or_unknown(error.state))}}};
            break;
        case Fault::quota:
            status = 403;
            body["type"] = "quotas_exceeded";
            body["details"] = JsonArray{JsonObject{{"resource", text(or_unknown(error.resource))}, {"quota", 0}, {"current", 0}}};
            break;
        case Fault::not_found:
            body["type"] = "not_found";
            add_resource();
            break;
        case Fault::conflict:
            add_resource();
            if (error.code == "locked") {
                status = 423;
                body["type"] = "locked";
            } else if (!error.state.empty()) {
                body["type"] = "transient_state";
                body["current_state"] = text(error.state);
            } else {
                body["type"] = "already_exists";
                body["help_message"] = text(said.message);
            }
            break;
        case Fault::precondition:
            body["type"] = "precondition_failed";
            body["precondition"] = text(known(
                error.state, std::array<std::string_view, 2>{"resource_still_in_use", "attribute_must_be_set"}, "unknown_precondition"));
            body["help_message"] = text(said.message);
            break;
        case Fault::gone:
            body["type"] = "resource_expired";
            add_resource();
            break;
        case Fault::busy:
            body["type"] = "too_many_requests";
            body["help_message"] = text(said.message);
            break;
        case Fault::unavailable:
            body["type"] = error.code == "out_of_stock" ? "out_of_stock" : "unavailable";
            if (error.code == "out_of_stock") body["resource"] = text(or_unknown(error.resource));
            break;
        case Fault::bug:
            body["type"] = "internal_error";
            break;
    }
    return json_answer(status, body);
}

}  // namespace meridian::http::forms
