#include "quantum/service/views.h"

#include <fmt/format.h>

#include <charconv>

namespace meridian::quantum::service::qaas {
namespace {

Json money(Money amount) {
    constexpr std::int64_t nanos = 1'000'000'000;
    return JsonObject{{"currency_code", "EUR"}, {"units", amount.count() / nanos}, {"nanos", amount.count() % nanos}};
}

std::string minutes(std::uint32_t count) { return fmt::format("{}s", std::uint64_t{count} * 60); }

// In whole seconds for people; the exact time stands beside it.
std::string waiting_words(const std::optional<Moment>& moment) {
    if (!moment || !moment->quote) return "The program is being read.";
    const auto quoted = in_words(*moment->quote);
    if (moment->started_at) return fmt::format("Running, {:.0f} %. {}.", moment->done * 100, quoted);
    if (moment->expected_start) return fmt::format("Waiting, expected to start at {}. {}.", rfc3339(*moment->expected_start), quoted);
    return fmt::format("Waiting. {}.", quoted);
}

QuoteView view(const Quote& quote) {
    return {.engine = quote.engine,
            .why = quote.why,
            .energy_basis = quote.energy_basis,
            .memory_bytes = quote.memory_bytes,
            .circuits = quote.circuits,
            .shots = quote.shots,
            .seconds = quote.seconds,
            .seconds_max = quote.seconds_max,
            .cost = quote.cost,
            .cost_max = quote.cost_max,
            .energy_millijoules = quote.energy};
}

}  // namespace

std::string seconds_text(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    if (seconds == duration) return fmt::format("{}s", seconds.count());
    return fmt::format("{:.6f}s", std::chrono::duration<double>(duration).count());
}

std::optional<Duration> duration_in(const Json& value, const char* field) {
    const auto wrong = [field]() -> Error {
        return Error(Fault::invalid, fmt::format("{} must be a time in seconds, such as \"3600s\".", field))
            .with({field, FieldProblem::Reason::format, "must be a time in seconds, such as \"3600s\""});
    };
    if (value.is_null()) return std::nullopt;
    double seconds = 0;
    if (value.is_number()) {
        seconds = value.to_number<double>();
    } else if (const auto* text = value.if_string()) {
        auto digits = ::meridian::view(*text);
        if (digits.empty()) return std::nullopt;
        if (digits.ends_with('s')) digits.remove_suffix(1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        if (error != std::errc() || end != digits.data() + digits.size()) throw wrong();
    } else {
        throw wrong();
    }
    if (!(seconds >= 0 && seconds <= 1e9)) throw wrong();
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Json json_of_body(const std::string& body) {
    if (body.empty()) return JsonObject{};
    auto json = parse_json(body);
    if (json) return *std::move(json);
    throw Error(Fault::invalid, fmt::format("The body cannot be read: {}.", json.error().said));
}

SessionView view(const Session& s) {
    SessionView v;
    v.id = s.id.str();
    v.name = s.name;
    v.platform_id = s.platform.str();
    v.status = word(s.state);
    v.project_id = s.project.str();
    v.deduplication_id = s.deduplication_id;
    v.origin_type = s.process ? "process" : "customer";
    if (s.process) v.origin_id = s.process->str();
    v.created_at = s.created_at;
    v.started_at = s.started_at;
    v.updated_at = s.updated_at;
    v.terminated_at = s.terminated_at;
    v.max_idle_duration = seconds_text(s.max_idle_duration);
    v.max_duration = seconds_text(s.max_duration);
    v.waiting_job_count = s.waiting_jobs;
    v.finished_job_count = s.finished_jobs;
    v.tags = s.tags;
    v.progress_message = s.progress_message;
    if (s.booking) v.booking_id = s.booking->str();
    if (s.program) v.model_id = s.program->str();
    v.parameters = s.parameters;
    return v;
}

JobView view(const Job& j, const std::optional<Moment>& moment) {
    JobView v;
    v.id = j.id.str();
    v.name = j.name;
    v.session_id = j.session.str();
    v.tags = j.tags;
    v.created_at = j.created_at;
    v.started_at = j.started_at;
    v.updated_at = j.updated_at;
    v.status = word(j.state);
    v.progress_message = j.progress_message;
    if (j.program) v.model_id = j.program->str();
    v.parameters = j.parameters;
    v.priority = word(j.priority);
    v.receipt_id = j.run.str();
    if (j.started_at && j.ended_at) v.job_duration = seconds_text(*j.ended_at - *j.started_at);
    if (is_final(j.state)) return v;
    v.progress_message = waiting_words(moment);
    if (!moment) return v;
    if (moment->started_at) v.started_at = moment->started_at;
    if (moment->started_at && j.state == JobState::waiting) v.status = word(JobState::running);
    v.expected_start_at = moment->expected_start;
    if (moment->quote) v.quote = view(*moment->quote);
    return v;
}

BookingView view(const Booking& b) {
    BookingView v;
    v.id = b.id.str();
    v.status = word(b.state);
    v.description = b.description;
    v.progress_message = b.progress_message;
    v.platform_id = b.platform.str();
    v.session_id = b.session.str();
    v.created_at = b.created_at;
    v.started_at = b.started_at;
    v.updated_at = b.updated_at;
    v.finished_at = b.finished_at;
    if (!b.time_zone.empty()) v.time_zone = b.time_zone;
    v.price_per_hour = b.per_hour;
    v.cost_max = b.cost_max();
    v.cost = b.cost;
    if (b.charged_at && b.run) v.receipt_id = b.run->str();
    return v;
}

Json view(const Platform& p) {
    const auto& f = p.facts;
    JsonObject out{
        {"id", p.id.str()},
        {"version", f.version},
        {"name", p.name},
        {"provider_name", f.provider},
        {"backend_name", f.backend},
        {"type", "simulator"},
        {"technology", f.technology},
        {"max_qubit_count", p.qubits_max},
        {"max_shot_count", f.shots_max},
        {"max_circuit_count", f.circuits_max},
        {"availability", "available"},
        {"metadata", "{}"},
        {"price_per_hour", money(f.per_hour)},
        {"price_per_shot", money(f.per_shot)},
        {"price_per_circuit", money(f.per_circuit)},
        {"hardware",
         JsonObject{{"name", "cpu"}, {"vcpus", p.cpus}, {"gpus", 0}, {"gpus_network", ""}, {"ram", p.memory_bytes}, {"vram", 0}}},
        {"description", f.description},
        {"documentation_url", f.documentation_url},
        {"is_bookable", f.booking.has_value()}};
    if (f.booking) {
        out["booking_requirement"] = JsonObject{{"min_duration", minutes(f.booking->minutes_min)},
                                                {"max_duration", minutes(f.booking->minutes_max)},
                                                {"max_planification_duration", seconds_text(limits::booking_ahead)},
                                                {"max_booking_per_day", f.booking->per_day_max},
                                                {"max_booking_per_week", f.booking->per_week_max}};
    }
    return out;
}

std::string origin_of(const http::Called& call) {
    const auto& request = call.exchange->request();
    const bool is_secure = request.secure || request.headers.get("x-forwarded-proto") == "https";
    return fmt::format("{}://{}", is_secure ? "https" : "http", request.headers.get("host"));
}

std::string program_path(const ProgramId& id) { return fmt::format("{}/models/{}/payload", base, id.str()); }
std::string result_path(const JobId& id) { return fmt::format("{}/jobs/{}/result", base, id.str()); }

ProjectId project_of(const http::Called& call) {
    return http::query_id<ProjectId>(call, "project_id").value_or(call.caller_as<identity::Caller>().project);
}

bool has_tags(const std::vector<std::string>& tags, const http::Called& call) {
    return std::ranges::all_of(http::query_list(call, "tags"),
                               [&](const std::string& tag) { return std::ranges::find(tags, tag) != tags.end(); });
}

}  // namespace meridian::quantum::service::qaas
