#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "base/real/real.h"
#include "base/version.h"
#include "cli/commands.h"
#include "installation.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

using app::DeployedModel;
using app::Installation;
using app::UpOptions;

constexpr long look_every_ms = 20;

// Waits for SIGINT, SIGTERM or SIGHUP; nothing after `milliseconds` (0: no limit).
std::optional<int> signal_within(long milliseconds) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    int got = 0;
    if (milliseconds == 0) {
        sigwait(&set, &got);
        return got;
    }
    const timespec limit{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    got = sigtimedwait(&set, nullptr, &limit);
    return got > 0 ? std::optional(got) : std::nullopt;
}

void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);  // threads made later inherit it
}

// Shells often start programs with 1024 descriptors; every stream takes two.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// True when every model is ready, false when a signal came first. Throws Failure when one of them cannot be deployed.
bool wait_for_models(Installation& running, const std::vector<std::string>& wanted, bool quiet) {
    terminal::ProgressLine line;
    for (;;) {
        const auto all = running.deployed();
        const DeployedModel* waiting = nullptr;
        for (const auto& name : wanted) {
            const auto it = std::ranges::find(all, name, &DeployedModel::name);
            if (it == all.end() || it->ready) continue;
            if (!it->error.empty())
                throw Failure{failed, fmt::format("{} could not be deployed: {}", name, it->error), "meridian logs; then start again"};
            waiting = &*it;
            break;
        }
        if (!waiting) {
            if (!quiet && !wanted.empty()) line.finish(terminal::dim(fmt::format("{} ready", fmt::join(wanted, ", "))));
            return true;
        }
        if (!quiet) line.show(waiting->name + ": " + waiting->phase.name, waiting->phase.done, waiting->phase.total);
        if (const auto got = signal_within(look_every_ms); got && *got != SIGHUP) return false;
    }
}

Json ready_json(const Installation& running, const UpOptions& o, const std::vector<DeployedModel>& models) {
    const auto& boot = running.bootstrap();
    JsonArray names;
    for (const auto& model : models) {
        if (model.ready) names.emplace_back(model.name);
    }
    JsonObject out{{"url", running.url()},
                   {"organization_id", boot.organization.str()},
                   {"project_id", boot.project.str()},
                   {"access_key", boot.first_key ? Json(boot.first_key->key.access_key) : Json(nullptr)},
                   {"secret_key", boot.first_key ? Json(boot.first_key->secret) : Json(nullptr)},
                   {"region", o.zone.substr(0, 6)},
                   {"zone", o.zone},
                   {"pid", static_cast<std::int64_t>(getpid())},
                   {"models", names}};
    return out;
}

void print_qiskit(const Installation& running, const std::string& secret) {
    fmt::print("\n{}\n", terminal::dim("Qiskit (pip install qiskit-scaleway)"));
    if (secret.starts_with("os.")) fmt::print("import os\n");
    fmt::print("from qiskit import QuantumCircuit\nfrom qiskit_scaleway import ScalewayProvider\n");
    fmt::print("provider = ScalewayProvider(project_id=\"{}\", secret_key={}, url=\"{}\")\n", running.bootstrap().project.str(), secret,
               running.url());
    fmt::print("backend = provider.get_backend(\"{}\")\n", running.quantum_platform());
    fmt::print("circuit = QuantumCircuit(2); circuit.h(0); circuit.cx(0, 1); circuit.measure_all()\n");
    fmt::print("print(backend.run(circuit, shots=1000).result().get_counts())\n");
}

void print_screen(const Installation& running, const UpOptions& o, const std::vector<DeployedModel>& models) {
    using terminal::accent;
    using terminal::bold;
    using terminal::dim;
    const auto& key = running.bootstrap().first_key;
    const auto url = running.url();
    const std::string secret = key ? key->secret : "$MERIDIAN_SECRET_KEY";
    fmt::print("\n{}  {}\n\n", bold(fmt::format("Meridian {}", version())), accent(url));
    fmt::print("  {}   {}\n", dim("console and API"), url);
    if (key) {
        fmt::print("  {}        {}\n", dim("access key"), key->key.access_key);
        fmt::print("  {}        {}   {}\n", dim("secret key"), bold(key->secret), dim("shown once: keep it"));
    } else {
        fmt::print("  {}        {}\n", dim("secret key"),
                   "yours from the first start, or a new one: meridian keys create --data " + o.data);
    }
    for (const auto& model : models) {
        fmt::print("  {}             {}  {}  {}\n", dim("model"), bold(model.name),
                   model.ready ? model.price : terminal::bad(model.phase.str()), dim(model.zone));
    }
    if (!models.empty()) {
        const auto& name = models.front().name;
        fmt::print("\n{}\n", dim("curl"));
        fmt::print("curl {}/v1/chat/completions -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \\\n", url,
                   key ? secret : "'\"$MERIDIAN_SECRET_KEY\"'");
        fmt::print(
            "  -d '{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"What is the capital city of France? Answer in one "
            "sentence.\"}}]}}'\n",
            name);
        fmt::print("\n{}\n", dim("Python (pip install openai)"));
        fmt::print("from openai import OpenAI\n");
        fmt::print("client = OpenAI(base_url=\"{}/v1\", api_key={})\n", url,
                   key ? "\"" + secret + "\"" : "__import__(\"os\").environ[\"MERIDIAN_SECRET_KEY\"]");
        fmt::print(
            "answer = client.chat.completions.create(model=\"{}\", messages=[{{\"role\": \"user\", \"content\": \"What is the capital city "
            "of France? Answer in one sentence.\"}}])\n",
            name);
        fmt::print("print(answer.choices[0].message.content)\n");
    }
    print_qiskit(running, key ? "\"" + secret + "\"" : "os.environ[\"MERIDIAN_SECRET_KEY\"]");
    fmt::print("\n{}\n", dim("Ctrl-C drains and stops."));
    std::fflush(stdout);
}

int up(UpOptions o, bool json) {
    block_signals();
    raise_descriptor_limit();
    if (!o.ready_file.empty()) std::remove(o.ready_file.c_str());  // one of an earlier run must not speak for this one
    log::configure(o.log_level, o.log_form);
    auto opened = Installation::open(o);
    if (!opened) throw Failure{failed, opened.error().said, "meridian doctor --data " + o.data};
    auto& running = **opened;
    for (const auto& model : o.with) running.deploy(model);
    const bool ready = wait_for_models(running, o.with, o.quiet);
    if (ready) {
        const auto models = running.deployed();
        const auto facts = ready_json(running, o, models);
        if (!o.ready_file.empty()) {
            real::PosixDisk disk;
            if (auto written = disk.replace_file(o.ready_file, to_text(facts)); !written)
                throw Failure{failed, written.error().said, "give --ready-file a writable path"};
        }
        if (json) {
            print(facts);
            std::fflush(stdout);
        } else if (!o.quiet) {
            print_screen(running, o, models);
        }
        while (signal_within(0) == SIGHUP) {
            if (const auto taken = running.reload_certificate(); !taken)
                log::error("up", "the certificate stays as it was: {}", taken.error().said);
        }
    }
    if (!o.quiet) fmt::print(stderr, "\n{}\n", terminal::dim("draining"));
    running.drain();
    return ok;
}

}  // namespace

void add_up(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<UpOptions>();
    auto level = std::make_shared<std::string>("warn");
    auto json_log = std::make_shared<bool>(false);
    auto* command = app.add_subcommand("up", "Run Meridian on this host: control plane and one zone in one process");
    command->add_option("--listen", o->listen, "HOST:PORT, or unix:PATH")->capture_default_str()->envname("MERIDIAN_LISTEN");
    command->add_option("--advertise", o->advertise,
                        "URL that other processes of the control plane reach this one at (default: where it listens)");
    command->add_option("--zone", o->zone, "Name of this zone, as clients write it")->capture_default_str();
    command->add_option("--with", o->with, "Deploy this model of the catalogue at start (repeatable)");
    command->add_option("--ready-file", o->ready_file, "Write a JSON file here when everything is ready");
    command->add_option("--tls-cert", o->tls_cert, "Certificate chain (PEM)")->check(CLI::ExistingFile);
    command->add_option("--tls-key", o->tls_key, "Its private key (PEM)")->check(CLI::ExistingFile)->needs("--tls-cert");
    command->add_flag("--insecure", o->insecure, "Listen beyond loopback without TLS");
    command
        ->add_option("--catalogue", o->catalogue,
                     "Directory with node types and applications of one's own: node-types.yaml, marketplace.yaml")
        ->check(CLI::ExistingDirectory);
    command->add_option("--egress", o->egress,
                        "Network (10.1.0.0/16) or host name that external models may be reached at, beside public addresses (repeatable)");
    command
        ->add_option("--mail-hook", o->mail_hook, "Program that sends the e-mails of budget alerts, called as PROGRAM -t -i like sendmail")
        ->check(CLI::ExistingFile)
        ->check([](const std::string& path) { return access(path.c_str(), X_OK) == 0 ? std::string() : path + " is no program"; });
    command->add_option("--llama-server", o->llama_server, "llama.cpp's server (default: beside this program)")->check(CLI::ExistingFile);
    command->add_option(
        "--runtime", o->runtimes,
        "NAME=PROGRAM with llama.cpp, llama.cpp-cuda or vllm as the name, or a JSON file that describes runtimes (repeatable; "
        "the first that serves a model is taken)");
    command->add_option("--runtime-threads", o->runtime_threads, "Threads of each runtime (default: as many as it gets CPUs of its own)");
    command->add_option("--quantum-keep-days", o->quantum_keep_days, "Days that an ended quantum session is kept with its results")
        ->check(CLI::Range(1, 36500))
        ->capture_default_str();
    command->add_option("--witness", o->witnesses, "KEY@URL: verifier key and address of a witness that cosigns the log (repeatable)");
    command->add_option("--witness-every", o->witness_seconds, "Seconds: a changed log is shown to the witnesses at most so often")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    command->add_option("--loops", o->loops, "Event loops (default: one a core)")->check(CLI::Range(1, 256));
    command->add_flag("--access-log", o->access_log, "One line a request, without content; needs --log-level info");
    command->add_option("--log-level", *level, "debug, info, warn, error, off")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
        ->capture_default_str();
    command->add_flag("--log-json", *json_log, "Log lines as JSON");
    command->add_flag("--quiet", o->quiet, "No screen");
    command->callback([&common, chosen, o, level, json_log] {
        chosen([&common, o, level, json_log] {
            o->data = std::filesystem::absolute(common.data).lexically_normal().string();
            while (o->data.ends_with('/')) o->data.pop_back();
            o->database = common.database;
            if (!o->mail_hook.empty()) o->mail_hook = std::filesystem::absolute(o->mail_hook).string();
            static constexpr std::pair<std::string_view, log::Level> levels[] = {{"debug", log::Level::debug},
                                                                                 {"info", log::Level::info},
                                                                                 {"warn", log::Level::warn},
                                                                                 {"error", log::Level::error},
                                                                                 {"off", log::Level::off}};
            o->log_level = std::ranges::find(levels, *level, &std::pair<std::string_view, log::Level>::first)->second;
            o->log_form = *json_log ? log::Form::json : log::Form::text;
            return up(*o, common.json);
        });
    });
}

}  // namespace meridian::cli
