// One program at many points of its `input` parameters, all circuits of one structure together: counts, or exact expectation values.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "quantum/programs/openqasm.h"
#include "quantum/programs/results.h"
#include "quantum/service/computation.h"
#include "quantum/service/quote.h"
#include "resource/json_bind.h"

namespace meridian::quantum::service {

struct SweepInput {
    std::string program;
    Json points, observable;
    std::uint64_t shots = 1000;
    std::optional<std::uint64_t> seed;
};
constexpr auto describe(As<SweepInput>) {
    using S = SweepInput;
    return fields(field("program", &S::program), field("points", &S::points), field("observable", &S::observable),
                  field("shots", &S::shots, defaulted), field("seed", &S::seed));
}

namespace {

constexpr std::size_t at_once = 64;  // points between two questions whether it is to end
constexpr double passes_of_term = 0.5;

struct Point {
    Json inputs;  // as they were given
    Circuit circuit;
};

std::vector<Circuit> circuits_of(const std::vector<Point>& points) {
    std::vector<Circuit> all;
    all.reserve(points.size());
    for (const auto& point : points) all.push_back(point.circuit);
    return all;
}

class Sweep final : public Computation {
public:
    Sweep(std::vector<Point> points, std::optional<Observable> observable, const SweepInput& input, Precision precision)
        : circuits_(circuits_of(points)),
          observable_(std::move(observable)),
          shots_(input.shots),
          seed_(input.seed),
          precision_(precision) {
        for (auto& point : points) inputs_.push_back(std::move(point.inputs));
    }

    [[nodiscard]] std::size_t bytes() const override { return bytes_of(circuits_); }
    [[nodiscard]] expected<Quote> quote(const metering::Price& price, const Calibration& node, const Allowance& allowance,
                                        PlanCache* plans) const override {
        if (!observable_) return service::quote(circuits_, {precision_, shots_}, price, node, allowance, plans);
        auto cost = estimate_all(circuits_, precision_, 1, node, allowance, plans);
        if (!cost) return std::unexpected(cost.error());
        const double times = 1 + passes_of_term * static_cast<double>(observable_->sum.size());
        cost->seconds *= times;
        cost->seconds_high *= times;
        if (cost->joules) *cost->joules *= times;
        return priced(*cost, price,
                      {.engine = fmt::format("statevector, {} precision", precision_ == Precision::single ? "single" : "double"),
                       .why = "exact expectation values from all amplitudes",
                       .circuits = circuits_.size(),
                       .shots = 0});
    }

    [[nodiscard]] expected<std::string> run(const RunOptions& options, Team& team, PlanCache* plans) const override {
        auto answers = observable_ ? expectations(options, team, plans) : counts(options, team, plans);
        if (!answers) return std::unexpected(answers.error());
        JsonArray points;
        for (std::size_t k = 0; k < answers->size(); ++k)
            points.push_back(JsonObject{{"inputs", inputs_[k]}, {observable_ ? "expectation" : "counts", std::move((*answers)[k])}});
        JsonObject out{{"points", std::move(points)}};
        if (!observable_) {
            out["shots"] = shots_;
            out["seed"] = seed_.value_or(options.seed);
        }
        return to_text(out);
    }

private:
    [[nodiscard]] Diagnostic at_point(std::size_t k, const Diagnostic& error) const {
        if (error.said == cancelled || circuits_.size() == 1) return error;
        return {fmt::format("Point {}: {}", k + 1, error.said), error.at};
    }

    [[nodiscard]] expected<std::vector<Json>> expectations(const RunOptions& options, Team& team, PlanCache* plans) const {
        std::vector<Json> made;
        for (std::size_t first = 0; first < circuits_.size(); first += at_once) {
            if (options.cancelled && options.cancelled()) return complaint(std::string(cancelled));
            const auto part = std::span(circuits_).subspan(first, std::min(at_once, circuits_.size() - first));
            for (const auto& each : expectation_all(part, observable_->sum, precision_, team, plans)) {
                if (!each) return std::unexpected(at_point(made.size(), each.error()));
                made.emplace_back(*each);
            }
            if (options.progress) options.progress(static_cast<double>(made.size()) / static_cast<double>(circuits_.size()));
        }
        return made;
    }

    [[nodiscard]] expected<std::vector<Json>> counts(RunOptions options, Team& team, PlanCache* plans) const {
        options.precision = precision_;
        options.shots = shots_;
        options.memory = false;
        options.seed = seed_.value_or(options.seed);
        std::vector<Json> made;
        for (const auto& each : sample_all(circuits_, options, team, plans)) {
            if (!each) return std::unexpected(at_point(made.size(), each.error()));
            JsonObject counted;
            for (std::size_t k = 0; k < each->counts.size(); ++k)
                counted[bit_text(circuits_[made.size()], each->outcome(k))] = each->counts[k];
            made.emplace_back(std::move(counted));
        }
        return made;
    }

    std::vector<Circuit> circuits_;
    std::vector<Json> inputs_;
    std::optional<Observable> observable_;
    std::uint64_t shots_;
    std::optional<std::uint64_t> seed_;
    Precision precision_;
};

expected<Inputs> inputs_in(const Json& point) {
    if (!point.is_object()) return complaint("it is no object of parameters by name.");
    Inputs inputs;
    for (const auto& [name, value] : point.get_object()) {
        if (value.is_number())
            inputs.emplace(name, value.to_number<double>());
        else if (value.is_bool())
            inputs.emplace(name, value.get_bool());
        else
            return complaint(fmt::format("the parameter '{}' is no number.", std::string_view(name)));
    }
    return inputs;
}

expected<std::vector<Point>> points_of(const SweepInput& input, const Platform& platform) {
    const auto* list = input.points.if_array();
    if (!list || list->empty() || list->size() > platform.facts.circuits_max)
        return complaint(fmt::format("'points' is a list of 1 to {} objects such as {{\"theta\": 0.5}}.", platform.facts.circuits_max));
    if (input.program.size() > quantum::limits::openqasm_bytes / list->size())
        return complaint(fmt::format("The program at all points has more than {} MiB of text; sweep fewer points at once.",
                                     quantum::limits::openqasm_bytes >> 20));
    std::vector<Point> made;
    ReadLimits left;
    for (const auto& point : *list) {
        const auto inputs = inputs_in(point);
        if (!inputs) return complaint(fmt::format("Point {}: {}", made.size() + 1, inputs.error().said));
        auto circuit = read_openqasm(input.program, left, *inputs);
        if (!circuit) return complaint(fmt::format("Point {}: {}", made.size() + 1, said_with_place(circuit.error(), input.program)));
        if (circuit->qubits > platform.qubits_max)
            return complaint(
                fmt::format("The program has {} qubits; {} takes at most {}.", circuit->qubits, platform.name, platform.qubits_max));
        left.operations -= circuit->ops.size();
        left.steps -= std::min(left.steps, circuit->ops.size());
        made.push_back({point, std::move(*circuit)});
    }
    return made;
}

}  // namespace

expected<std::unique_ptr<Computation>> read_sweep(const Json& json, const Platform& platform) {
    SweepInput input;
    try {
        input = from_json<SweepInput>(json, {.is_strict = true});
    } catch (const Error& error) {
        return complaint(error.said);
    }
    if (input.shots < 1 || input.shots > platform.facts.shots_max)
        return complaint(fmt::format("{} takes 1 to {} shots; {} were asked for.", platform.name, platform.facts.shots_max, input.shots));
    auto points = points_of(input, platform);
    if (!points) return std::unexpected(points.error());
    std::optional<Observable> observable;
    if (!input.observable.is_null()) {
        auto read = read_observable(input.observable, "observable");
        if (!read) return std::unexpected(read.error());
        if (read->qubits > points->front().circuit.qubits)
            return complaint(fmt::format("The observable has {} qubits and the program {}.", read->qubits, points->front().circuit.qubits));
        observable = std::move(*read);
    } else if (points->front().circuit.bits == 0) {
        return complaint("The program measures nothing; add a measurement, or an 'observable' for exact expectation values.");
    }
    const auto precision = platform.facts.precision == "single" ? Precision::single : Precision::double_;
    return std::make_unique<Sweep>(std::move(*points), std::move(observable), input, precision);
}

}  // namespace meridian::quantum::service
