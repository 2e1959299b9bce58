#include "http/repeats.h"

#include <exception>
#include <utility>

#include "base/error.h"

namespace meridian::http {
namespace {

// Holds the answer back until it is kept.
class Held final : public Exchange {
public:
    explicit Held(Exchange& to) : to_(to) { caller = to.caller; }
    Request& request() override { return to_.request(); }
    Task<> answer(Response response) override {
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int status, Headers headers) override { return to_.begin(status, std::move(headers)); }
    Task<bool> write(std::string_view bytes) override { return to_.write(bytes); }
    Task<> end() override { return to_.end(); }
    [[nodiscard]] bool begun() const override { return answered.has_value() || to_.begun(); }
    void on_hangup(std::move_only_function<void()> what) override { to_.on_hangup(std::move(what)); }
    [[nodiscard]] bool gone() const override { return to_.gone(); }

    std::optional<Response> answered;

private:
    Exchange& to_;
};

// One that was refused by a check has changed nothing; one that failed on our side may have.
Repeats::Outcome outcome_of(const Error& error) {
    const bool is_ours = error.fault == Fault::bug || error.fault == Fault::unavailable;
    return is_ours ? Repeats::Outcome::unknown : Repeats::Outcome::refused;
}

Repeats::Asked asked_by(Exchange& exchange) {
    const auto& request = exchange.request();
    Repeats::Asked asked{exchange.caller, std::string(request.headers.get(idempotency_key)), {}};
    if (asked.key.size() > idempotency_key_max) {
        const auto help = "has at most " + std::to_string(idempotency_key_max) + " bytes";
        throw Error(Fault::invalid, "The Idempotency-Key " + help + ".")
            .with({.name = std::string(idempotency_key), .reason = FieldProblem::Reason::constraint, .help = help});
    }
    Sha256Stream all;
    for (const std::string_view part :
         {std::string_view(request.method), std::string_view(request.target), std::string_view(request.body)}) {
        all.add(std::to_string(part.size()));
        all.add(" ");
        all.add(part);
    }
    asked.request = all.finish();
    return asked;
}

}  // namespace

bool may_repeat(const Exchange& exchange, const Request& request, const Route& route) {
    const bool is_control = route.dialect == Dialect::scaleway || route.dialect == Dialect::meridian;
    return route.method == "POST" && is_control && exchange.caller && !request.headers.get(idempotency_key).empty();
}

Task<> run_once(Repeats& repeats, Exchange& exchange, const Route& route) {
    const auto asked = asked_by(exchange);
    if (auto first = co_await repeats.begin(asked)) {
        first->headers.add("Idempotency-Replayed", "true");
        co_return co_await exchange.answer(*std::move(first));
    }
    Held held(exchange);
    std::exception_ptr failure;
    auto outcome = Repeats::Outcome::unknown;
    try {
        co_await route.handler(held);
        if (held.answered) outcome = Repeats::Outcome::answered;
    } catch (const Error& error) {
        failure = std::current_exception();
        outcome = outcome_of(error);
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    co_await repeats.end(asked, outcome, held.answered.value_or(Response()));
    if (failure) std::rethrow_exception(failure);
    if (held.answered) co_await exchange.answer(*std::move(held.answered));
}

}  // namespace meridian::http
