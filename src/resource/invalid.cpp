// What is wrong with an input, as one sentence and as a list.
#include <fmt/format.h>

#include <algorithm>

#include "resource/json_bind.h"

namespace meridian::inline resource {

Error invalid(std::vector<FieldProblem> problems) {
    MERIDIAN_ASSERT(!problems.empty());
    std::string said;
    constexpr std::size_t told = 3;
    for (std::size_t i = 0; i < std::min(problems.size(), told); ++i) {
        const auto& each = problems[i];
        said += fmt::format("{}{} {}", i == 0 ? "" : "; ", each.name.empty() ? std::string_view("the body") : std::string_view(each.name),
                            each.help);
    }
    if (problems.size() > told) said += fmt::format("; and {} more", problems.size() - told);
    said += '.';
    if (said.starts_with("the body")) said[0] = 'T';
    Error error(Fault::invalid, std::move(said));
    error.fields = std::move(problems);
    return error;
}

Error invalid(std::string field_name, FieldProblem::Reason reason, std::string help_text) {
    return invalid(std::vector<FieldProblem>{{std::move(field_name), reason, std::move(help_text)}});
}

}  // namespace meridian::inline resource
