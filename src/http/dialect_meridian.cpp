// Our own form: RFC 9457 problem details, with what an Error knows as further members.
#include "http/dialect_forms.h"

namespace meridian::http::forms {

Response meridian(const Said& said) {
    const auto& error = said.error;
    const int status = usual_status(error.fault);
    JsonObject body;
    body["type"] = text("urn:meridian:fault:" + std::string(name(error.fault)));
    body["title"] = text(reason_phrase(status));
    body["status"] = status;
    body["detail"] = text(said.message);
    if (!error.code.empty()) body["code"] = text(error.code);
    if (!error.resource.empty()) body["resource"] = text(error.resource);
    if (!error.resource_id.empty()) body["resource_id"] = text(error.resource_id);
    if (!error.state.empty()) body["state"] = text(error.state);
    if (!error.fields.empty()) {
        JsonArray fields;
        for (const auto& one : error.fields) {
            fields.push_back(JsonObject{{"name", text(one.name)}, {"reason", text(word(one.reason))}, {"help", text(one.help)}});
        }
        body["fields"] = std::move(fields);
    }
    body["request_id"] = text(said.request_id);
    auto answer = json_answer(status, body);
    answer.headers.set("Content-Type", "application/problem+json");
    return answer;
}

}  // namespace meridian::http::forms
