// What the router asks: who calls, with a record of what was denied, and whether a request was sent before.
#pragma once
#include <memory>

#include "http/denial.h"
#include "http/repeats.h"

namespace meridian::app {

// `Inner` is an authorizer that is told of denials, too.
template <class Inner>
class Door final : public http::Authorizer, public http::DenialRecord, public http::Repeats {
public:
    Door(Inner& inner, http::Repeats& repeats) : inner_(inner), repeats_(repeats) {}
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override {
        return inner_.authorize(request, permission);
    }
    void denied(const http::Principal& caller, const http::Request& request, const http::Route& route) override {
        inner_.denied(caller, request, route);
    }
    [[nodiscard]] bool keeps(const http::Permission& may) const override { return repeats_.keeps(may); }
    Task<std::optional<http::Response>> begin(Asked asked) override { return repeats_.begin(std::move(asked)); }
    Task<> end(Asked asked, Outcome outcome, http::Response answer) override {
        return repeats_.end(std::move(asked), outcome, std::move(answer));
    }

private:
    Inner& inner_;
    http::Repeats& repeats_;
};

}  // namespace meridian::app
