// What the dialects share, and the one function that each of their files gives.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "http/types.h"

namespace meridian::http::forms {

// What a dialect needs of an error, with our own mistakes already hidden: `error.said` may be shown as it is.
struct Said {
    const Error& error;
    std::string message;
    std::string_view request_id;
};

Response meridian(const Said& said);
Response scaleway(const Said& said);
Response openai(const Said& said);
Response mistral(const Said& said);
Response hugging_face(const Said& said);

int usual_status(Fault fault);
std::string_view word(FieldProblem::Reason reason);
// `Content-Type` is exactly `application/json`: a client that compares the whole value exists.
Response json_answer(int status, const JsonObject& body);
// Seconds to wait, rounded up, for the faults that pass by themselves.
void add_retry_after(Response& answer, const Error& error);

inline boost::json::string text(std::string_view view) { return boost::json::string(view.data(), view.size()); }

}  // namespace meridian::http::forms
