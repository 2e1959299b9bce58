#include "catalog/python.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "catalog/child.h"

namespace meridian::catalog {
namespace {

std::string python() {
    const char* named = std::getenv("MERIDIAN_PYTHON");
    return named != nullptr && *named != '\0' ? named : "python3";
}

// The least the client needs: where programs and its settings are, the proxy, the certificates; never our own secrets.
std::vector<std::string> environment_for(const PythonRun& what) {
    std::vector<std::string> environment{"LANG=C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "TMPDIR=" + what.workplace};
    constexpr std::array<std::string_view, 20> passed{
        "PATH",           "HOME",        "XDG_CONFIG_HOME",    "XDG_CACHE_HOME", "http_proxy",
        "https_proxy",    "no_proxy",    "HTTP_PROXY",         "HTTPS_PROXY",    "NO_PROXY",
        "all_proxy",      "ALL_PROXY",   "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",  "SSL_CERT_DIR",
        "CURL_CA_BUNDLE", "VIRTUAL_ENV", "PYTHONPATH",         "PYTHONHOME",     "NETRC"};
    constexpr std::string_view pip_prefix = "PIP_";
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view pair(*entry);
        const auto name = pair.substr(0, pair.find('='));
        if (name == "PYTHONPATH" && !what.modules.empty()) continue;
        if (std::ranges::find(passed, name) != passed.end() || name.starts_with(pip_prefix)) environment.emplace_back(pair);
    }
    if (!what.modules.empty()) environment.push_back("PYTHONPATH=" + what.modules);
    return environment;
}

struct Symptom {
    std::string_view in_output;
    std::string_view advice;
};
// By what the client writes. The first that fits wins: a full disk and a missing client also end in "no matching distribution".
constexpr Symptom symptoms[] = {
    {"No space left on device", "The disk is full. Free some space, or set TMPDIR to a directory on a larger disk, and try again."},
    {"No module named pip",
     "This Python has no pip. Install it (Debian: apt install python3-pip), or name a Python that has it in MERIDIAN_PYTHON."},
    {"Temporary failure in name resolution",
     "The package registry's name cannot be resolved: is this machine online? Check the network and try again."},
    {"Name or service not known",
     "The package registry's name cannot be resolved: is this machine online? Check the network and try again."},
    {"CERTIFICATE_VERIFY_FAILED",
     "The package registry's certificate is not trusted here. Install ca-certificates, or name your proxy's CA in SSL_CERT_FILE."},
    {"ProxyError", "The proxy refuses the connection. Check HTTPS_PROXY and try again."},
    {"NewConnectionError",
     "The package registry cannot be reached: check the network (and HTTPS_PROXY, where there is a proxy) and try again."},
    {"Failed to establish a new connection",
     "The package registry cannot be reached: check the network (and HTTPS_PROXY, where there is a proxy) and try again."},
    {"ReadTimeoutError", "The package registry answers too slowly. Try again later."},
    {"DO NOT MATCH THE HASHES",
     "What the registry gave has another SHA-256 than was pinned, and was not used. Check where pip fetches from (pip config list)."},
    {"No matching distribution",
     "The package registry has no such version for this machine. Check that pip's index is the public one or mirrors this package."},
};

std::string advice_for(std::string_view output) {
    for (const auto& symptom : symptoms) {
        if (output.find(symptom.in_output) != std::string_view::npos) return std::string(symptom.advice);
    }
    return "Try again; the log has what Python said.";
}

}  // namespace

void fail_package(const PackageSource& source, std::string_view deed, std::string_view why, std::string logged) {
    throw Error(Fault::unavailable, fmt::format("The package {} {} could not be {}. {}", source.package, source.version, deed, why),
                std::move(logged))
        .with_code("fetch_failed");
}

void run_python(const PythonRun& what) {
    const auto fail = [&](std::string_view why, std::string logged = {}) { fail_package(what.source, what.deed, why, std::move(logged)); };
    const ChildCommand command{.program = python(),
                               .arguments = what.arguments,
                               .environment = environment_for(what),
                               .time_max = what.time_max,
                               .look = what.look};
    const auto end = run_child(command);
    if (!end) {
        fail(
            fmt::format("The program '{}' cannot be started ({}). Install Python (Debian: apt install python3 python3-pip), or name one in "
                        "MERIDIAN_PYTHON.",
                        command.program, end.error().said));
    }
    switch (end->how) {
        case ChildEnd::How::stopped:
            fail(stopping);
        case ChildEnd::How::timed_out:
            fail(fmt::format("It took longer than {} minutes. Check the network and try again.",
                             std::chrono::duration_cast<std::chrono::minutes>(what.time_max).count()));
        case ChildEnd::How::killed:
            fail(fmt::format("Python was ended by signal {}; was the machine out of memory? Try again.", end->code), end->said);
        case ChildEnd::How::exited:
            break;
    }
    if (end->code != 0) fail(advice_for(end->said), fmt::format("Python ended with {}: {}", end->code, end->said));
}

}  // namespace meridian::catalog
