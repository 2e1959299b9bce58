#include "metering/log/witness_api.h"

#include <atomic>
#include <memory>

#include "base/error.h"

namespace meridian::metering {
namespace {

constexpr std::size_t body_max = 128 * 1024;
constexpr unsigned waiting_max = 64;  // for the disk; past it the witness is busy

struct Served {
    Witness& witness;
    Pool& pool;
    std::atomic<unsigned> waiting{0};
};
using ServedPtr = std::shared_ptr<Served>;  // the routes share it, and live as long as their router

http::Response response(Witness::Answer answer) { return {answer.status, {{"Content-Type", answer.type}}, std::move(answer.body)}; }

Task<> add_checkpoint(http::Exchange& exchange, ServedPtr served) {
    if (served->waiting.load() >= waiting_max)
        throw Error(Fault::busy, "The witness has too much to do; try again shortly.").after(std::chrono::seconds(1));
    ++served->waiting;
    const std::shared_ptr<void> done(nullptr, [served](void*) { --served->waiting; });
    auto answer = co_await on(served->pool, [served, body = exchange.request().body] { return served->witness.add_checkpoint(body); });
    co_await exchange.answer(response(std::move(answer)));
}

Task<> show_checkpoint(http::Exchange& exchange, ServedPtr served) {
    const std::string origin(exchange.request().param("origin_hash"));
    auto answer = co_await on(served->pool, [served, origin] { return served->witness.checkpoint(origin); });
    co_await exchange.answer(response(std::move(answer)));
}

}  // namespace

void add_witness_routes(http::Router& router, Witness& witness, Pool& pool) {
    const auto served = std::make_shared<Served>(witness, pool);
    router.add({.method = "POST",
                .pattern = "/add-checkpoint",
                .may = http::anyone(),
                .dialect = http::Dialect::meridian,
                .handler = [served](http::Exchange& exchange) { return add_checkpoint(exchange, served); },
                .doc = {"AddCheckpoint", "Cosigns a checkpoint that continues what was seen of its log", "witness"},
                .body_max = body_max});
    router.add({.method = "GET",
                .pattern = "/{origin_hash}/checkpoint",
                .may = http::anyone(),
                .dialect = http::Dialect::meridian,
                .handler = [served](http::Exchange& exchange) { return show_checkpoint(exchange, served); },
                .doc = {"GetCheckpoint", "The newest cosigned checkpoint of a log", "witness"}});
}

}  // namespace meridian::metering
