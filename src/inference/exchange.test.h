// For this room's tests: a request whose answer is written down, and a client that may go away.
#pragma once
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/types.h"
#include "identity/service.h"

namespace meridian::inference::test {

class FakeExchange final : public http::Exchange {
public:
    explicit FakeExchange(std::string body = {}) {
        request_.method = "POST";
        request_.body = std::move(body);
        request_.id = "req_1";
    }
    FakeExchange(std::string method, std::string target, std::string body = {}) : FakeExchange(std::move(body)) {
        request_.method = std::move(method);
        request_.path = target.substr(0, target.find('?'));
        if (request_.path != target) request_.query = http::parse_query(std::string_view(target).substr(request_.path.size() + 1)).value();
        request_.target = std::move(target);
    }

    http::Request& request() override { return request_; }
    Task<> answer(http::Response response) override {
        EXPECT_FALSE(begun_) << "answered twice";
        begun_ = true;
        if (breaks_after == 0) throw std::runtime_error("no memory");
        ended = true;
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int with_status, http::Headers with_headers) override {
        EXPECT_FALSE(begun_) << "answered twice";
        begun_ = true;
        status = with_status;
        headers = std::move(with_headers);
        co_return;
    }
    Task<bool> write(std::string_view bytes) override {
        EXPECT_TRUE(begun_);
        EXPECT_FALSE(ended);
        if (gone_) co_return false;
        if (writes_++ >= breaks_after) throw std::runtime_error("no memory");
        written += bytes;
        co_return true;
    }
    Task<> end() override {
        ended = true;
        co_return;
    }
    [[nodiscard]] bool begun() const override { return begun_; }
    void on_hangup(std::move_only_function<void()> what) override { hangup_ = std::move(what); }
    [[nodiscard]] bool gone() const override { return gone_; }

    void hang_up() {
        gone_ = true;
        if (auto what = std::exchange(hangup_, nullptr)) what();
    }
    // A client whose end is noticed only when something is written to it.
    void fall_silent() { gone_ = true; }
    [[nodiscard]] Json json() const { return parse_json(answered.value().body).value(); }

    std::optional<http::Response> answered;
    int status = 0;
    http::Headers headers;
    std::string written;
    bool ended = false;
    std::size_t breaks_after = std::numeric_limits<std::size_t>::max();  // so many writes; the next fails in a way that nobody foresaw

private:
    http::Request request_;
    bool begun_ = false, gone_ = false;
    std::size_t writes_ = 0;
    std::move_only_function<void()> hangup_;
};

inline identity::Caller caller_of(OrganizationId organization, ProjectId project) {
    identity::Caller caller;
    caller.organization = organization;
    caller.project = project;
    caller.access_key = "SCWTESTTESTTESTTESTT";
    caller.reach = caller.sight = identity::Reach::everywhere();
    caller.grants = identity::everything({}, {}, {}).grants;
    return caller;
}

}  // namespace meridian::inference::test
