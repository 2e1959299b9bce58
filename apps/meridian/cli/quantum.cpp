// Circuits without a server: run one here and show what came out, or say what running it would take.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>

#include "base/real/real.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "geography/declaration.h"
#include "quantum.h"
#include "quantum/programs/cirq.h"
#include "quantum/programs/openqasm.h"
#include "quantum/programs/results.h"
#include "quantum/service/quote.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

using namespace meridian::quantum;

constexpr std::size_t rows_max = 32;  // of the histogram

struct QuantumOptions {
    std::string file, precision = "double";
    std::uint64_t shots = 1024;
    std::optional<std::uint64_t> seed;
    std::optional<double> watts;
    std::vector<std::string> inputs;  // "theta=0.5"
    unsigned threads = 0;
    bool memory = false;
};

std::string read_file(const std::string& path) {
    if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) throw Failure{not_found, fmt::format("'{}' cannot be read: {}.", path, error.message()), "name an OpenQASM file"};
    if (size > quantum::limits::openqasm_bytes)
        throw Failure{failed, fmt::format("'{}' has {} bytes; a program has at most {}.", path, size, quantum::limits::openqasm_bytes), ""};
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Inputs inputs_in(const std::vector<std::string>& texts) {
    Inputs inputs;
    for (const std::string_view text : texts) {
        const auto equals = text.find('=');
        double value = 0;
        const auto* const end = text.data() + text.size();
        if (equals == 0 || equals == std::string_view::npos ||
            std::from_chars(text.data() + equals + 1, end, value) != std::from_chars_result{end, std::errc()})
            throw Failure{usage, fmt::format("'{}' is no value of an input.", text), "write --input theta=0.5"};
        inputs.insert_or_assign(std::string(text.substr(0, equals)), value);
    }
    return inputs;
}

Circuit load(const QuantumOptions& o) {
    const auto& path = o.file;
    const auto text = read_file(path);
    const bool is_cirq = text.find_first_not_of(" \t\r\n") != std::string::npos && text[text.find_first_not_of(" \t\r\n")] == '{';
    auto circuit = is_cirq ? read_cirq(text) : read_openqasm(text, {}, inputs_in(o.inputs));
    if (circuit) return *std::move(circuit);
    throw Failure{failed, is_cirq ? circuit.error().said : fmt::format("{}: {}", path, said_with_place(circuit.error(), text)), ""};
}

// This node, as a server on it would see it.
struct Here {
    explicit Here(const QuantumOptions& o)
        : node(fleet::probe_host(disk, rng, *geography::Zone::parse("fr-par-1"), std::filesystem::temp_directory_path().string())),
          team(o.threads ? o.threads : node.cpus) {}
    real::PosixDisk disk;
    SystemRng rng;
    fleet::Node node;
    Team team;
};

Precision precision_of(const QuantumOptions& o) { return o.precision == "single" ? Precision::single : Precision::double_; }

service::Quote quoted(const Circuit& circuit, const QuantumOptions& o, Here& here) {
    const auto node =
        calibrate(here.team, [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); });
    const auto platforms = app::shipped_platforms_of(here.node);
    const auto platform = std::ranges::find(platforms, o.precision, [](const auto& p) { return p.facts.precision; });
    const auto price = platform == platforms.end() ? metering::Price{} : platform->price();
    const Allowance allowance{
        .bytes_free = service::engine_memory(app::quantum_facts(here.node)), .tdp_watts = o.watts, .cpus = here.node.cpus};
    auto quote = service::quote(std::span(&circuit, 1), {precision_of(o), o.shots}, price, node, allowance);
    if (!quote) throw Failure{failed, quote.error().said, ""};
    return *std::move(quote);
}

Json json_of(const service::Quote& q) {
    return JsonObject{{"engine", q.engine},
                      {"why", q.why},
                      {"memory_bytes", q.memory_bytes},
                      {"seconds", q.seconds},
                      {"seconds_max", q.seconds_max},
                      {"cost_eur", q.cost.str()},
                      {"cost_max_eur", q.cost_max.str()},
                      {"energy_millijoules", q.energy ? Json(q.energy->count()) : Json(nullptr)},
                      {"energy_basis", q.energy_basis}};
}

std::string histogram(const Circuit& circuit, const Samples& samples) {
    std::vector<std::size_t> order(samples.counts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order,
                      [&](std::size_t a, std::size_t b) { return std::pair(samples.counts[b], a) < std::pair(samples.counts[a], b); });
    const auto shown = std::min(order.size(), rows_max);
    const auto most = order.empty() ? 1 : samples.counts[order.front()];
    const auto width = static_cast<std::uint64_t>(std::clamp(terminal::width() - int(circuit.bits) - 26, 8, 48));
    std::string out;
    for (std::size_t i = 0; i < shown; ++i) {
        const auto count = samples.counts[order[i]];
        std::string bar;
        for (std::uint64_t cell = 0; cell < std::max<std::uint64_t>(1, count * width / most); ++cell) bar += "█";
        out += fmt::format("  {}  {:>9}  {:>6.2f} %  {}\n", bit_text(circuit, samples.outcome(order[i])), count,
                           100.0 * static_cast<double>(count) / static_cast<double>(samples.shots), terminal::accent(bar));
    }
    if (shown < order.size()) {
        std::uint64_t rest = 0;
        for (std::size_t i = shown; i < order.size(); ++i) rest += samples.counts[order[i]];
        out += terminal::dim(fmt::format("  and {} other outcomes with {} shots\n", order.size() - shown, rest));
    }
    return out;
}

Json json_of(const Circuit& circuit, const Samples& samples, const service::Quote& quote, std::uint64_t seed, double seconds) {
    JsonObject counts;
    for (std::size_t k = 0; k < samples.counts.size(); ++k) counts[bit_text(circuit, samples.outcome(k))] = samples.counts[k];
    JsonObject out{
        {"shots", samples.shots}, {"seed", seed}, {"seconds", seconds}, {"counts", std::move(counts)}, {"quote", json_of(quote)}};
    if (!samples.memory.empty()) {
        JsonArray memory;
        for (std::uint64_t k = 0; k < samples.shots; ++k) memory.emplace_back(bit_text(circuit, samples.shot(k)));
        out["memory"] = std::move(memory);
    }
    return out;
}

int run(const QuantumOptions& o, bool json) {
    const auto circuit = load(o);
    if (circuit.bits == 0) throw Failure{failed, "The circuit measures nothing, so there is nothing to show.", "add a measurement"};
    Here here(o);
    const auto quote = quoted(circuit, o, here);
    if (!json) fmt::print(stderr, "{}\n", terminal::dim(service::in_words(quote)));
    terminal::ProgressLine line;
    RunOptions options;
    options.precision = precision_of(o);
    options.shots = o.shots;
    options.seed = o.seed.value_or(here.rng.next() >> 1);
    options.memory = o.memory;
    if (!json && isatty(STDERR_FILENO) == 1)
        options.progress = [&line](double done) { line.show(fmt::format("running  {:.0f} %", done * 100), 0, 0); };
    const auto begun = std::chrono::steady_clock::now();
    const auto samples = sample(circuit, options, here.team);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    if (!samples) throw Failure{failed, samples.error().said, ""};
    if (json) return print(json_of(circuit, *samples, quote, options.seed, seconds));
    line.finish(terminal::dim(fmt::format("{} qubits, {} shots in {:.3f} s, seed {}", circuit.qubits, o.shots, seconds, options.seed)));
    if (o.memory) {
        for (std::uint64_t k = 0; k < samples->shots; ++k) fmt::print("{}\n", bit_text(circuit, samples->shot(k)));
        return ok;
    }
    fmt::print("{}", histogram(circuit, *samples));
    return ok;
}

int explain(const QuantumOptions& o, bool json) {
    const auto circuit = load(o);
    Here here(o);
    const auto quote = quoted(circuit, o, here);
    if (json) return print(json_of(quote));
    const auto facts = traits(circuit);
    fmt::print("  {}  {} qubits, {} gates, {} bits{}\n", terminal::dim("circuit"), circuit.qubits, facts.gates, circuit.bits,
               facts.has_jumps ? ", with feed-forward" : "");
    fmt::print("  {}   {}\n", terminal::dim("engine"), terminal::bold(quote.engine));
    fmt::print("  {}      {}\n", terminal::dim("why"), quote.why);
    fmt::print("  {}   {}\n", terminal::dim("memory"), terminal::bytes(quote.memory_bytes));
    fmt::print("  {}     {:.3g} s for {} shots, at most {:.3g} s\n", terminal::dim("time"), quote.seconds, o.shots, quote.seconds_max);
    fmt::print("  {}    {} EUR, at most {} EUR\n", terminal::dim("price"), quote.cost.str(), quote.cost_max.str());
    if (quote.energy)
        fmt::print("  {}   {:.3g} J, {}\n", terminal::dim("energy"), static_cast<double>(quote.energy->count()) / 1e3, quote.energy_basis);
    else
        fmt::print("  {}   {}\n", terminal::dim("energy"), quote.energy_basis);
    return ok;
}

int platforms(const Common& common) {
    auto api = common.api();
    const auto answer = api.get("/qaas/v1alpha1/platforms");
    if (common.json) return print(answer);
    terminal::Table table({"platform", "backend", "qubits", "shots", "EUR an hour"});
    for (const std::size_t column : {2, 3, 4}) table.right(column);
    const auto* list = member(answer, "platforms");
    for (const auto& each : list && list->is_array() ? list->get_array() : JsonArray()) {
        const auto* price = member(each, "price_per_hour");
        const auto amount = price ? Money::nanos(number(*price, "units") * 1'000'000'000 + number(*price, "nanos")) : Money();
        table.row({field(each, "name"), field(each, "backend_name"), std::to_string(number(each, "max_qubit_count")),
                   std::to_string(number(each, "max_shot_count")), amount.str()});
    }
    fmt::print("{}", table.str());
    return ok;
}

void add_circuit_options(CLI::App& command, const std::shared_ptr<QuantumOptions>& o) {
    command.add_option("FILE", o->file, "OpenQASM 2 or 3, or Cirq JSON; - reads standard input")->required();
    command.add_option("--input", o->inputs, "NAME=VALUE of an input variable of OpenQASM 3 (repeatable)");
    command.add_option("--shots", o->shots, "How often it is measured")
        ->check(CLI::Range(std::uint64_t{1}, quantum::limits::shots))
        ->capture_default_str();
    command.add_option("--precision", o->precision, "double or single")->check(CLI::IsMember({"double", "single"}))->capture_default_str();
    command.add_option("--threads", o->threads, "Default: one a CPU")->check(CLI::Range(1, 1024));
    command.add_option("--watts", o->watts, "What this machine's processors draw under full load, for an estimate of the energy")
        ->check(CLI::Range(1u, geography::limits::node_watts));
}

}  // namespace

void add_quantum(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<QuantumOptions>();
    auto* quantum = app.add_subcommand("quantum", "Quantum circuits, here and without a server; platforms of a running Meridian");
    quantum->require_subcommand(1);
    auto* run_command = quantum->add_subcommand("run", "Run a circuit on this machine");
    add_circuit_options(*run_command, o);
    run_command->add_option("--seed", o->seed, "Repeats a result");
    run_command->add_flag("--memory", o->memory, "Every shot, in order");
    run_command->callback([&common, chosen, o] { chosen([&common, o] { return run(*o, common.json); }); });
    auto* explain_command = quantum->add_subcommand("explain", "Engine, memory, time, price and energy, before anything runs");
    add_circuit_options(*explain_command, o);
    explain_command->callback([&common, chosen, o] { chosen([&common, o] { return explain(*o, common.json); }); });
    auto* platforms_command = quantum->add_subcommand("platforms", "Where circuits can run, with prices");
    platforms_command->callback([&common, chosen] { chosen([&common] { return platforms(common); }); });
}

}  // namespace meridian::cli
