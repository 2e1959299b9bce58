// For tests of routes: an authorizer that takes everybody for one caller and remembers what was asked.
#pragma once
#include <memory>
#include <string>

#include "base/error.h"
#include "http/route.h"
#include "identity/service.h"

namespace meridian::identity::test {

class Door final : public http::Authorizer {
public:
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override {
        asked = permission.action + " " + permission.scope;
        if (request.headers.has("x-nobody")) throw Error(Fault::unauthenticated, "Send a key.");
        return permission.scope == "public" ? nullptr : std::make_shared<Caller>(caller);
    }
    Caller caller = everything({}, {}, {});
    std::string asked;
};

}  // namespace meridian::identity::test
