#include "http/parse.h"
#include "http/route.h"

namespace {

using namespace meridian::http;

class Nobody final : public Authorizer {
public:
    std::shared_ptr<const Principal> authorize(const Request&, const Permission&) override { return nullptr; }
};

meridian::Task<> nothing(Exchange&) { co_return; }

const Router& router() {
    static Nobody nobody;
    static const Router one = [] {
        Router made(nobody);
        for (const char* pattern : {"/", "/v1/models", "/v1/models/{id}", "/{a}/{b}/{c}", "/{a}/x/{c}/y", "/files/{bucket}/{rest...}"}) {
            made.add({"GET", pattern, anyone(), Dialect::openai, nothing, {}, 0});
        }
        return made;
    }();
    return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    Request request;
    request.target.assign(reinterpret_cast<const char*>(data), size);
    if (!read_target(request)) return 0;
    Params params;
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    (void)router().match("GET", path, params);
    (void)router().match("POST", path, params);
    (void)router().dialect_of(path);
    return 0;
}
