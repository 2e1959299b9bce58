// OpenAI's form. The client looks at the status, shows `code` as a string, and retries 409, 429 and 5xx unless told not to.
#include "http/dialect_forms.h"

namespace meridian::http::forms {
namespace {

struct Words {
    std::string_view type, code;
};

Words words(Fault fault) {
    switch (fault) {
        case Fault::invalid:
            return {"invalid_request_error", "invalid_value"};
        case Fault::unauthenticated:
            return {"invalid_request_error", "invalid_api_key"};
        case Fault::denied:
            return {"invalid_request_error", "permission_denied"};
        case Fault::not_found:
            return {"invalid_request_error", "not_found"};
        case Fault::conflict:
            return {"invalid_request_error", "conflict"};
        case Fault::precondition:
            return {"invalid_request_error", "precondition_failed"};
        case Fault::gone:
            return {"invalid_request_error", "expired"};
        case Fault::too_large:
            return {"invalid_request_error", "request_too_large"};
        case Fault::quota:
            return {"insufficient_quota", "insufficient_quota"};
        case Fault::busy:
            return {"rate_limit_error", "rate_limit_exceeded"};
        case Fault::unavailable:
            return {"server_error", "service_unavailable"};
        case Fault::bug:
            return {"server_error", "internal_error"};
    }
    return {"server_error", "internal_error"};
}

// Left to itself the client would try these again, and get the same answer.
bool is_retried_in_vain(const Error& error) {
    return !error.retry_after && (error.fault == Fault::conflict || error.fault == Fault::quota || error.fault == Fault::bug);
}

}  // namespace

Response openai(const Said& said) {
    const auto& error = said.error;
    const auto usual = words(error.fault);
    JsonObject inner;
    inner["message"] = text(said.message);
    inner["type"] = text(usual.type);
    if (error.fields.empty()) {
        inner["param"] = nullptr;
    } else {
        inner["param"] = text(error.fields.front().name);
    }
    inner["code"] = text(error.code.empty() ? usual.code : std::string_view(error.code));
    auto answer = json_answer(usual_status(error.fault), JsonObject{{"error", std::move(inner)}});
    if (is_retried_in_vain(error)) answer.headers.add("x-should-retry", "false");
    return answer;
}

}  // namespace meridian::http::forms
