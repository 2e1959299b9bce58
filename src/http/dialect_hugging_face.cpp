// The Hub's form: two headers choose the exception, the body is hardly looked at.
#include "http/dialect_forms.h"

namespace meridian::http::forms {
namespace {

std::string_view missing(std::string_view resource) {
    if (resource == "revision") return "RevisionNotFound";
    if (resource == "entry" || resource == "file") return "EntryNotFound";
    return "RepoNotFound";
}

}  // namespace

Response hugging_face(const Said& said) {
    const auto& error = said.error;
    // Without these very words huggingface_hub takes a 401 on a repository for one that does not exist.
    const std::string message = error.fault == Fault::unauthenticated ? "Invalid credentials in Authorization header" : said.message;
    auto answer = json_answer(usual_status(error.fault), JsonObject{{"error", text(message)}});
    if (!error.code.empty()) {
        answer.headers.add("X-Error-Code", error.code);
    } else if (error.fault == Fault::not_found) {
        answer.headers.add("X-Error-Code", std::string(missing(error.resource)));
    }
    answer.headers.add("X-Error-Message", message);
    return answer;
}

}  // namespace meridian::http::forms
