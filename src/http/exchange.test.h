// For tests of routes: a request whose whole answer is written down.
#pragma once
#include <optional>
#include <string>
#include <utility>

#include "http/types.h"

namespace meridian::http::test {

class WholeExchange final : public Exchange {
public:
    WholeExchange(std::string method, const std::string& target, std::string body = {}) {
        asked.method = std::move(method);
        asked.target = target;
        const auto mark = target.find('?');
        asked.path = target.substr(0, mark);
        if (mark != std::string::npos) asked.query = *parse_query(target.substr(mark + 1));
        asked.body = std::move(body);
    }
    Request& request() override { return asked; }
    Task<> answer(Response response) override {
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int, Headers) override { co_return; }
    Task<bool> write(std::string_view) override { co_return true; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return answered.has_value(); }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return false; }

    Request asked;
    std::optional<Response> answered;
};

}  // namespace meridian::http::test
