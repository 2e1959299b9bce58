#include "http/dialect.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/dialect_forms.h"

namespace meridian::http {
namespace forms {
namespace {

std::optional<Duration> wait_for(const Error& error) {
    if (error.retry_after) return error.retry_after;
    if (error.fault == Fault::busy || error.fault == Fault::unavailable) return std::chrono::seconds(1);
    if (error.fault == Fault::quota) return std::chrono::seconds(60);
    return std::nullopt;
}

}  // namespace

int usual_status(Fault fault) {
    switch (fault) {
        case Fault::invalid:
            return 400;
        case Fault::unauthenticated:
            return 401;
        case Fault::denied:
            return 403;
        case Fault::not_found:
            return 404;
        case Fault::conflict:
            return 409;
        case Fault::precondition:
            return 412;
        case Fault::gone:
            return 410;
        case Fault::too_large:
            return 413;
        case Fault::quota:
            return 429;
        case Fault::busy:
            return 429;
        case Fault::unavailable:
            return 503;
        case Fault::bug:
            return 500;
    }
    return 500;
}

std::string_view word(FieldProblem::Reason reason) {
    switch (reason) {
        case FieldProblem::Reason::unknown:
            return "unknown";
        case FieldProblem::Reason::required:
            return "required";
        case FieldProblem::Reason::format:
            return "format";
        case FieldProblem::Reason::constraint:
            return "constraint";
    }
    return "unknown";
}

Response json_answer(int status, const JsonObject& body) {
    return {status, {{"Content-Type", "application/json"}}, boost::json::serialize(body)};
}

void add_retry_after(Response& answer, const Error& error) {
    const auto wait = wait_for(error);
    if (!wait) return;
    const auto seconds = std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(*wait).count(), 1);
    answer.headers.add("Retry-After", std::to_string(seconds));
}

}  // namespace forms

Response render(Dialect dialect, const Error& error, std::string_view request_id) {
    forms::Said said{error, error.said, request_id};
    if (error.fault == Fault::bug) {
        said.message = fmt::format("Something went wrong on our side. Please report it with the request id {}.", request_id);
    }
    Response answer;
    switch (dialect) {
        case Dialect::meridian:
            answer = forms::meridian(said);
            break;
        case Dialect::scaleway:
            answer = forms::scaleway(said);
            break;
        case Dialect::openai:
            answer = forms::openai(said);
            break;
        case Dialect::mistral:
            answer = forms::mistral(said);
            break;
        case Dialect::hugging_face:
            answer = forms::hugging_face(said);
            break;
    }
    if (error.fault == Fault::unauthenticated) answer.headers.add("WWW-Authenticate", "Bearer");
    forms::add_retry_after(answer, error);
    return answer;
}

}  // namespace meridian::http
