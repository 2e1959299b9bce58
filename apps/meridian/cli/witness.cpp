#include "witness.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "base/real/real.h"
#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct WitnessCommand {
    app::WitnessOptions options;
    std::string ready_file;
};

int witness(const Common& common, WitnessCommand& o) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads made later inherit it
    log::configure(log::Level::warn, log::Form::text);
    if (!o.ready_file.empty()) std::remove(o.ready_file.c_str());
    o.options.directory = common.data;
    auto opened = app::WitnessServer::open(o.options);
    if (!opened) throw Failure{failed, opened.error().said, "meridian witness --help"};
    auto& running = **opened;
    const JsonObject facts{{"url", running.url()}, {"verifier_key", running.verifier_key()}, {"logs", o.options.logs.size()}};
    if (!o.ready_file.empty()) {
        real::PosixDisk disk;
        if (auto written = disk.replace_file(o.ready_file, to_text(facts)); !written)
            throw Failure{failed, written.error().said, "give --ready-file a writable path"};
    }
    if (common.json)
        print(facts);
    else
        fmt::print("Witness {}\n\n  {}  {}\n  {}     --witness '{}@{}'\n", terminal::accent(running.url()), terminal::dim("verifier key"),
                   running.verifier_key(), terminal::dim("for a zone"), running.verifier_key(), running.url());
    std::fflush(stdout);
    int got = 0;
    sigwait(&signals, &got);
    running.drain();
    return ok;
}

}  // namespace

void add_witness(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<WitnessCommand>();
    auto* command =
        app.add_subcommand("witness", "Run an independent witness: cosigns logs that only grow, with a key of its own in --data");
    command->add_option("--log", o->options.logs, "Verifier key of a log to follow (repeatable)")->required();
    command->add_option("--listen", o->options.listen, "HOST:PORT; put a proxy with TLS before it")->capture_default_str();
    command->add_option("--name", o->options.name, "How it is called in its signatures (default: made from its key)");
    command->add_option("--ready-file", o->ready_file, "Write a JSON file here when it listens");
    command->callback([&common, chosen, o] { chosen([&common, o] { return witness(common, *o); }); });
}

}  // namespace meridian::cli
