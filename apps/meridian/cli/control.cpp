#include "control.h"

#include <fmt/format.h>
#include <pthread.h>

#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <filesystem>

#include "base/log.h"
#include "base/real/real.h"
#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct ControlCommand {
    app::ControlOptions options;
    std::string ready_file;
};

int control(const Common& common, ControlCommand& o) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads made later inherit it
    log::configure(log::Level::warn, log::Form::text);
    if (!o.ready_file.empty()) std::remove(o.ready_file.c_str());
    o.options.data = std::filesystem::absolute(common.data).lexically_normal().string();
    o.options.database = common.database;
    auto opened = app::ControlProcess::open(o.options);
    if (!opened) throw Failure{failed, opened.error().said, "meridian control --help"};
    auto& running = **opened;
    const JsonObject facts{{"url", running.url()}, {"pid", static_cast<std::int64_t>(getpid())}};
    if (!o.ready_file.empty()) {
        real::PosixDisk disk;
        if (auto written = disk.replace_file(o.ready_file, to_text(facts)); !written)
            throw Failure{failed, written.error().said, "give --ready-file a writable path"};
    }
    if (common.json)
        print(facts);
    else
        fmt::print("Meridian, control plane  {}\n{}\n", terminal::accent(running.url()), terminal::dim("Ctrl-C drains and stops."));
    std::fflush(stdout);
    for (int got = SIGHUP; got == SIGHUP;) {
        sigwait(&signals, &got);
        if (got != SIGHUP) break;
        if (const auto taken = running.reload_certificate(); !taken)
            log::error("control", "the certificate stays as it was: {}", taken.error().said);
    }
    running.drain();
    return ok;
}

}  // namespace

void add_control(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<ControlCommand>();
    auto* command = app.add_subcommand("control", "Run one more process of the control plane, without a zone, on the same PostgreSQL");
    auto& front = o->options.front;
    command->add_option("--listen", front.listen, "HOST:PORT, or unix:PATH")->capture_default_str()->envname("MERIDIAN_LISTEN");
    command->add_option("--tls-cert", front.tls_cert, "Certificate chain (PEM)")->check(CLI::ExistingFile);
    command->add_option("--tls-key", front.tls_key, "Its private key (PEM)")->check(CLI::ExistingFile)->needs("--tls-cert");
    command->add_flag("--insecure", front.insecure, "Listen beyond loopback without TLS");
    command->add_option("--egress", o->options.egress,
                        "Network (10.1.0.0/16) or host name that may be reached, beside public addresses (repeatable)");
    command->add_option("--loops", o->options.loops, "Event loops (default: one a core)")->check(CLI::Range(1, 256));
    command->add_option("--ready-file", o->ready_file, "Write a JSON file here when it listens");
    command->callback([&common, chosen, o] { chosen([&common, o] { return control(common, *o); }); });
}

}  // namespace meridian::cli
