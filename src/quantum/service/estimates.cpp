#include "quantum/service/estimates.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "quantum/programs/job.h"
#include "quantum/service/store.h"
#include "quantum/service/visible.h"
#include "resource/json_bind.h"

namespace meridian::quantum::service {

struct JobRequest {
    PlatformId platform_id;
    std::optional<ProgramId> model_id;
    Json circuit, parameters;
};
constexpr auto describe(As<JobRequest>) {
    using J = JobRequest;
    return fields(field("platform_id", &J::platform_id), field("model_id", &J::model_id), field("circuit", &J::circuit),
                  field("parameters", &J::parameters))
        .strict();
}

namespace {

constexpr double beside_seconds = 0.002;  // of a run, beside what the engine does

std::string text_of(const Json& value) {
    if (const auto* text = value.if_string()) return std::string(::meridian::view(*text));
    return value.is_null() ? "" : to_text(value);
}

// As it is posted with a job: the text, or an object with the text in its only member.
std::string circuit_text(const Json& circuit) {
    if (const auto* object = circuit.if_object())
        return object->size() == 1 && object->begin()->value().is_string() ? text_of(object->begin()->value()) : to_text(circuit);
    return text_of(circuit);
}

// One of so many that are under way.
class Turn {
public:
    explicit Turn(std::atomic<std::size_t>& running) : running_(running) {
        if (running_.fetch_add(1) >= limits::estimates_at_once) {
            running_.fetch_sub(1);
            throw Error(Fault::busy, "Several quotes are being computed; try again shortly.").after(std::chrono::seconds(1));
        }
    }
    Turn(const Turn&) = delete;
    ~Turn() { running_.fetch_sub(1); }

private:
    std::atomic<std::size_t>& running_;
};

}  // namespace

expected<std::string> request_digest(std::string_view program_digest, std::string_view parameters) {
    const auto read = read_parameters(parameters);
    if (!read) return std::unexpected(read.error());
    return hex(sha256(fmt::format("quantum job\n{}\n{}\n{}", program_digest, read->shots, read->memory)));
}

Task<metering::Estimate> Estimates::estimate(identity::Caller caller, ProjectId project, metering::QuoteKind, Json request) {
    const auto in = from_json<JobRequest>(request, {.at = "request"});
    const auto* platform = quantum_.platform(in.platform_id);
    if (!platform)
        throw Error(Fault::not_found, "There is no platform with this id; list the platforms to see them.")
            .about("platform", in.platform_id.str());
    const auto circuit = circuit_text(in.circuit);
    if (in.model_id.has_value() == !circuit.empty()) wrong("request", "A job is quoted by its 'model_id' or by its 'circuit'.");
    Order order{.job = JobId(Uuid::random(rng_)),
                .session = SessionId(Uuid::random(rng_)),
                .project = project,
                .platform = quantum_.priced(*platform),
                .content = {},
                .parameters = text_of(in.parameters)};
    if (in.model_id) {
        const auto program = co_await quantum_.program(caller, *in.model_id);
        if (program.project != project) wrong("request.model_id", "The model belongs to another project.");
        order.content = program_content(program.id);
    } else {
        order.text = std::make_shared<const std::string>(circuit);
    }
    const Turn turn(running_);
    const auto ready = co_await asio::co_spawn(home_, computer_.prepare(order), asio::use_awaitable);
    computer_.forget(order.session);
    if (!ready) throw Error(Fault::invalid, ready.error().said);
    const auto digest = request_digest(ready->digest, order.parameters);
    if (!digest) throw Error(Fault::invalid, digest.error().said);
    const auto& quote = ready->quote;
    metering::Offer offer{.zone = quantum_.zone().str(), .node_type = platform->name};
    offer.rates = order.platform.price();
    price_offer(offer, metering::bounded({.milliseconds = milliseconds_of(quote.seconds_max),
                                          .shots = static_cast<std::int64_t>(quote.shots * quote.circuits),
                                          .circuits = static_cast<std::int64_t>(quote.circuits)}));
    offer.binding = offer.rates.per_hour == Money() ? metering::Binding::exact : metering::Binding::ceiling;
    offer.energy = quote.energy;
    if (quote.energy) offer.energy_basis = quote.energy_basis;
    offer.work = {.certain = quote.seconds + beside_seconds};
    offer.guess = 1;
    offer.interval = metering::interval_of("quantum_job", platform->name, node_);
    metering::Estimate made{.model = platform->name, .digest = *digest, .offers = {}};
    made.offers.push_back(std::move(offer));
    co_return made;
}

// --- The verbs of Quantum that concern quotes.

Task<metering::HeldQuote> Quantum::hold_quote(identity::Caller caller, QuoteId quote, const Job& job, std::string circuit_digest) {
    if (!offer_.quotes) throw metering::no_quote(quote.str());
    struct Known {
        Session session;
        std::optional<Program> program;
    };
    const auto known = co_await store_.read([caller, job](store::Tx& tx) {
        Known made{visible_session(tx, caller, job.session), {}};
        const auto program = job.program ? job.program : job.has_circuit ? std::nullopt : made.session.program;
        if (program) made.program = visible_program(tx, caller, *program);
        return made;
    });
    const auto* platform = this->platform(known.session.platform);
    const auto parameters = job.parameters ? job.parameters : known.session.parameters;
    const auto digest = request_digest(known.program ? known.program->digest : circuit_digest, parameters.value_or(""));
    if (!platform || !digest) throw Error(Fault::conflict, "This quote is for another request; ask for one for this.");
    co_return metering::HeldQuote(
        *offer_.quotes, quote,
        {.project = known.session.project, .kind = metering::QuoteKind::quantum_job, .model = platform->name, .digest = *digest});
}

void Quantum::keep_quotes() {
    if (!offer_.quotes) return;
    for (const auto& id : store_.read_now([zone = zone_.str()](store::Tx& tx) { return rows::held_quotes(tx, zone); }))
        offer_.quotes->keep(id);
}

void Quantum::give_back_quote(const Job& job) {
    if (offer_.quotes && job.quote) offer_.quotes->release(*job.quote);
}

}  // namespace meridian::quantum::service
