// The public log's routes. What is asked of the tree goes to the pool, so many questions at a time and no more.
#include <fmt/format.h>

#include <atomic>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "metering/log/chain.h"
#include "metering/log/service.h"
#include "metering/proof.h"
#include "resource/json_bind.h"

namespace meridian::metering {
namespace {

constexpr unsigned questions_max = 256;  // under way, over all loops
constexpr Duration busy_wait = std::chrono::seconds(1);
// A full tile never changes; a partial one is right for its width and may be gone once the full one is there; the rest grows.
constexpr std::string_view for_ever = "public, max-age=31536000, immutable", for_a_while = "public, max-age=3600", fresh = "no-cache";

struct Served {
    PublicLog& log;
    Pool& pool;
    std::string zone;
    std::atomic<unsigned> questions{0};
};
using ServedPtr = std::shared_ptr<Served>;  // the routes share it, and live as long as their router

class Question {
public:
    explicit Question(Served& served) : served_(served) {
        if (served_.questions.fetch_add(1) < questions_max) return;
        served_.questions.fetch_sub(1);
        throw Error(Fault::busy, "The log is asked too much at the moment; try again shortly.").after(busy_wait);
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() { served_.questions.fetch_sub(1); }

private:
    Served& served_;
};

http::Response answer_of(std::string_view type, std::string_view keep, std::string body) {
    return {200, {{"Content-Type", std::string(type)}, {"Cache-Control", std::string(keep)}}, std::move(body)};
}
http::Response text_answer(std::string body) { return answer_of("text/plain; charset=utf-8", fresh, std::move(body)); }

// For a route below /log/{zone}: another zone's log is not here.
void check_zone(const http::Request& request, const std::string& zone) {
    const auto asked = request.param("zone");
    if (asked != zone)
        throw Error(Fault::not_found, fmt::format("The log of this zone is not here; here is {}.", zone)).about("zone", std::string(asked));
}

std::optional<std::uint64_t> number_in(const http::Request& request, std::string_view name) {
    const auto text = request.query_value(name);
    if (!text || text->empty()) return std::nullopt;
    const auto number = whole_number<std::uint64_t>(*text);
    if (!number) throw invalid(std::string(name), FieldProblem::Reason::format, "must be a number of leaves");
    return number;
}
std::uint64_t needed(const http::Request& request, std::string_view name) {
    const auto number = number_in(request, name);
    if (!number) throw invalid(std::string(name), FieldProblem::Reason::required, "must be given");
    return *number;
}
// The size of a tree that was signed, or the newest.
std::uint64_t size_in(const http::Request& request, std::string_view name, std::uint64_t newest) {
    const auto number = number_in(request, name).value_or(newest);
    if (number > newest)
        throw invalid(std::string(name), FieldProblem::Reason::constraint,
                      fmt::format("must be at most the checkpoint's size, {}", newest));
    return number;
}

Task<> show_checkpoint(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    auto note = served->log.log_checkpoint();
    if (auto witnessed = served->log.log_witnessed(); witnessed.starts_with(note))
        note = std::move(witnessed);  // the same, with more lines
    co_await exchange.answer(text_answer(std::move(note)));
}

Task<> show_witnessed(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    auto note = served->log.log_witnessed();
    if (note.empty()) throw Error(Fault::not_found, "No witness has signed this log yet.").about("zone", served->zone);
    co_await exchange.answer(text_answer(std::move(note)));
}

Task<> show_key(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    co_await exchange.answer(text_answer(served->log.log_key() + "\n"));
}

// The keys as JOSE libraries take them (RFC 8037), named as a receipt's JWS names them.
JsonObject jwk_of(const keys::PublicKey& key) {
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    return {{"kty", "OKP"}, {"crv", "Ed25519"}, {"alg", "EdDSA"}, {"use", "sig"}, {"kid", keys::key_id(key)}, {"x", base64url(bytes)}};
}

Task<> show_jwks(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    JsonArray all;
    for (const auto& key : served->log.log_keys()) all.push_back(jwk_of(key));
    co_await exchange.answer(answer_of("application/jwk-set+json", fresh, to_text(JsonObject{{"keys", std::move(all)}})));
}

Task<> show_chain(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    const Question question(*served);
    const auto chain = co_await on(served->pool, [served] { return served->log.log_chain(); });
    const auto present = VerifierKey::parse(served->log.log_key()).value();
    co_await exchange.answer(answer_of("application/json", fresh, to_text(chain_file(chain, present))));
}

Task<> show_tile(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    const std::string path(exchange.request().param("path"));
    const auto tile = Tile::parse(path);
    const Question question(*served);
    auto bytes = tile ? co_await on(served->pool, [served, tile] { return served->log.tile(*tile); }) : std::nullopt;
    if (!bytes) throw Error(Fault::not_found, "The log has no such tile, or not yet.").about("tile", path);
    co_await exchange.answer(answer_of("application/octet-stream", tile->is_full() ? for_ever : for_a_while, std::move(*bytes)));
}

Task<> show_inclusion(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    const auto index = needed(exchange.request(), "index"), size = size_in(exchange.request(), "size", served->log.log_size());
    if (index >= size) throw invalid("index", FieldProblem::Reason::constraint, fmt::format("must be below the tree's size, {}", size));
    const Question question(*served);
    const auto found = co_await on(served->pool, [served, index, size] { return served->log.inclusion(index, size); });
    co_await exchange.answer(answer_of(
        "application/json", fresh,
        to_text(JsonObject{
            {"index", index}, {"size", size}, {"leaf_hash", base64(as_view(found.leaf))}, {"hashes", hashes_json(found.proof)}})));
}

Task<> show_consistency(http::Exchange& exchange, ServedPtr served) {
    check_zone(exchange.request(), served->zone);
    const auto from = needed(exchange.request(), "from"), to = size_in(exchange.request(), "to", served->log.log_size());
    if (from > to) throw invalid("from", FieldProblem::Reason::constraint, fmt::format("must be at most the later size, {}", to));
    const Question question(*served);
    const auto proof = co_await on(served->pool, [served, from, to] { return served->log.consistency(from, to); });
    co_await exchange.answer(
        answer_of("application/json", fresh, to_text(JsonObject{{"from", from}, {"to", to}, {"hashes", hashes_json(proof)}})));
}

Json query_number(std::string_view name, bool required, std::string_view what) {
    return JsonObject{
        {"name", name}, {"in", "query"}, {"required", required}, {"description", what}, {"schema", JsonObject{{"type", "integer"}}}};
}

}  // namespace

void add_log_routes(http::Router& router, PublicLog& log, Pool& pool, const geography::Zone& zone) {
    const auto served = std::make_shared<Served>(log, pool, zone.str());
    const auto add = [&](std::string what, Task<> (*handler)(http::Exchange&, ServedPtr), http::RouteDoc doc) {
        router.add({"GET", "/meridian/v1/log/{zone}/" + what, http::anyone(), http::Dialect::meridian,
                    [served, handler](http::Exchange& exchange) { return handler(exchange, served); }, std::move(doc)});
    };
    add("checkpoint", show_checkpoint, {"GetLogCheckpoint", "The newest signed checkpoint of the zone's log", "log"});
    add("witnessed", show_witnessed, {"GetLogWitnessed", "The newest checkpoint that witnesses have cosigned", "log"});
    add("key", show_key, {"GetLogKey", "The key under which the zone's checkpoints verify", "log"});
    add("jwks", show_jwks, {"GetLogJwks", "The same key, and those before it, for libraries of JSON Web Signatures", "log"});
    add("chain", show_chain, {"GetLogChain", "How the log's keys follow one another, as `meridian verify --chain` reads it", "log"});
    add("tile/{path...}", show_tile, {"GetLogTile", "256 hashes of the log, or as many as there are, as tlog-tiles lays them out", "log"});
    add("inclusion", show_inclusion,
        {"GetLogInclusion", "The hashes from a leaf to a root", "log",
         JsonArray{query_number("index", true, "Which leaf, from 0"),
                   query_number("size", false, "Of the tree; the newest checkpoint's when absent")}});
    add("consistency", show_consistency,
        {"GetLogConsistency", "The hashes that show that a tree continues an earlier one", "log",
         JsonArray{query_number("from", true, "The earlier size"),
                   query_number("to", false, "The later size; the newest checkpoint's when absent")}});
}

}  // namespace meridian::metering
