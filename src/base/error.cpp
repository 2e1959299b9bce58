#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace meridian {

Error::Error(Fault f, std::string for_user, std::string for_operator)
    : fault(f), said(std::move(for_user)), logged(std::move(for_operator)) {}

Error&& Error::about(std::string what, std::string id) && {
    resource = std::move(what);
    resource_id = std::move(id);
    return std::move(*this);
}
Error&& Error::with_code(std::string word) && {
    code = std::move(word);
    return std::move(*this);
}
Error&& Error::in_state(std::string now) && {
    state = std::move(now);
    return std::move(*this);
}
Error&& Error::after(Duration wait) && {
    retry_after = wait;
    return std::move(*this);
}
Error&& Error::with(FieldProblem problem) && {
    fields.push_back(std::move(problem));
    return std::move(*this);
}

std::string_view name(Fault fault) {
    switch (fault) {
        case Fault::invalid:
            return "invalid";
        case Fault::unauthenticated:
            return "unauthenticated";
        case Fault::denied:
            return "denied";
        case Fault::not_found:
            return "not_found";
        case Fault::conflict:
            return "conflict";
        case Fault::precondition:
            return "precondition";
        case Fault::gone:
            return "gone";
        case Fault::too_large:
            return "too_large";
        case Fault::quota:
            return "quota";
        case Fault::busy:
            return "busy";
        case Fault::unavailable:
            return "unavailable";
        case Fault::bug:
            return "bug";
    }
    assertion_failed("a fault outside the enum", __FILE__, __LINE__);
}

void assertion_failed(const char* claim, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: this must always be true and is not: %s\n", file, line, claim);
    std::abort();
}

}  // namespace meridian
