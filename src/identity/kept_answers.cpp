#include "identity/kept_answers.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "identity/service.h"

namespace meridian::identity {
namespace {

constexpr std::size_t answer_max = 1 << 20;  // larger ones are not kept
constexpr auto kept_for = std::chrono::hours(24);

[[noreturn]] void refuse_other_request() {
    const std::string help = "was used for another request. Take a new key for each request, and the same one to send it again";
    throw Error(Fault::invalid, "This Idempotency-Key " + help + ".")
        .with({.name = std::string(http::idempotency_key), .reason = FieldProblem::Reason::constraint, .help = help});
}

std::string context_of(const std::pair<std::string, std::string>& name) { return "idempotency " + name.first + " " + name.second; }

}  // namespace

KeptAnswers::KeptAnswers(store::Store& store, Clock& clock, Rng& rng, const keys::SealingKey& sealing)
    : store_(store), clock_(clock), rng_(rng), sealing_(sealing) {}

KeptAnswers::Name KeptAnswers::name_of(const Asked& asked) {
    const auto& caller = dynamic_cast<const Caller&>(*asked.caller);
    return {caller.principal.str(), asked.key};
}

bool KeptAnswers::keeps(const http::Permission& may) const {
    constexpr std::string_view changeless[] = {"read", "access", "encrypt", "decrypt", "sign"};
    return std::ranges::find(changeless, may.action) == std::end(changeless);
}

void KeptAnswers::forget(const Name& name) {
    const std::lock_guard lock(mutex_);
    running_.erase(name);
}

std::optional<http::Response> KeptAnswers::look(store::Tx& tx, const Name& name, const Sha256& request) {
    const auto now = clock_.now();
    // Not the digest itself: who reads the rows could try out what was in the body.
    const auto marked = hex(sealing_.mac(as_view(request), context_of(name)));
    tx.run("delete from idempotent_requests where created_at < $1", now - kept_for);
    const auto rows =
        tx.query("select request, answer from idempotent_requests where principal_id = $1 and name = $2", name.first, name.second);
    if (rows.empty()) {
        tx.run("insert into idempotent_requests (principal_id, name, request, created_at) values ($1, $2, $3, $4)", name.first, name.second,
               marked, now);
        return std::nullopt;
    }
    if (rows.front().get<std::string>("request") != marked) refuse_other_request();
    if (rows.front().is_null("answer"))
        throw Error(Fault::precondition,
                    "Meridian ended while it did this the first time, or failed, or its answer was too large to keep. Look whether it was "
                    "done; to do it again, take a new Idempotency-Key.");
    const auto opened = sealing_.open(rows.front().get<store::Blob>("answer").bytes, context_of(name));
    if (!opened) throw Error(Fault::unavailable, "The first answer cannot be read any more.", opened.error().said);
    const auto kept = parse_json(*opened).value();
    return http::Response{.status = static_cast<int>(kept.at("status").as_int64()),
                          .headers = {{"Content-Type", std::string(view(kept.at("type").as_string()))}},
                          .body = std::string(view(kept.at("body").as_string()))};
}

Task<std::optional<http::Response>> KeptAnswers::begin(Asked asked) {
    const auto name = name_of(asked);
    {
        const std::lock_guard lock(mutex_);
        if (!running_.insert(name).second)
            throw Error(Fault::conflict, "A request with this Idempotency-Key is being done. Ask again in a moment.")
                .about("request", name.second)
                .in_state("running");
    }
    try {
        auto first = co_await store_.write([this, name, request = asked.request](store::Tx& tx) { return look(tx, name, request); });
        if (first) forget(name);
        co_return first;
    } catch (...) {
        forget(name);
        throw;
    }
}

Task<> KeptAnswers::end(Asked asked, Outcome outcome, http::Response answer) {
    struct Forgetting {
        KeptAnswers& all;
        Name name;
        ~Forgetting() { all.forget(name); }
    } const forgetting{*this, name_of(asked)};
    const auto& name = forgetting.name;
    if (outcome == Outcome::refused)
        co_await store_.write([name](store::Tx& tx) {
            tx.run("delete from idempotent_requests where principal_id = $1 and name = $2", name.first, name.second);
        });
    if (outcome != Outcome::answered || answer.body.size() > answer_max || !is_utf8(answer.body)) co_return;
    const auto text = to_text(JsonObject{{"status", answer.status}, {"type", answer.headers.get("Content-Type")}, {"body", answer.body}});
    co_await store_.write([name, sealed = store::Blob{sealing_.seal(text, context_of(name), rng_)}](store::Tx& tx) {
        tx.run("update idempotent_requests set answer = $3 where principal_id = $1 and name = $2", name.first, name.second, sealed);
    });
}

}  // namespace meridian::identity
