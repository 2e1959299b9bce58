#include "fleet/process/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "base/hash.h"
#include "base/log.h"
#include "fleet/posix.h"
#include "fleet/sandbox/cgroup.h"

namespace meridian::fleet {
namespace {

constexpr std::size_t short_name_length = 12;

void replace_all(std::string& in, std::string_view what, std::string_view with) {
    for (auto at = in.find(what); at != in.npos; at = in.find(what, at + with.size())) in.replace(at, what.size(), with);
}

std::string absolute(const std::string& path) {
    std::error_code bad;
    auto out = std::filesystem::absolute(path, bad);
    return bad ? path : out.lexically_normal().string();
}

// Modes do not depend on the Disk: the specification holds secrets, and the replica's user may be anybody.
expected<void> make_private(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return complaint(fmt::format("cannot make {}: {}", path, std::strerror(errno)));
    if (::chmod(path.c_str(), 0700) != 0) return complaint(fmt::format("cannot close {} to others: {}", path, std::strerror(errno)));
    return {};
}

expected<void> write_private(const std::string& path, std::string_view bytes) {
    ::unlink(path.c_str());
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open() || ::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
        return complaint(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
    return {};
}

struct SpawnSettings {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    explicit SpawnSettings(const std::string& error_path) {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions, 2, error_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
        ::posix_spawnattr_init(&attributes);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
};

}  // namespace

std::string expanded(std::string word, const ReplicaPaths& at, std::string_view secret, Secrets secrets) {
    replace_all(word, "{socket}", at.socket());
    replace_all(word, "{secret_file}", at.secret());
    replace_all(word, "{directory}", at.run());
    if (secrets == Secrets::shown) replace_all(word, "{secret}", secret);
    return word;
}

std::string short_name(const ReplicaId& id) {
    const auto text = id.str();
    return text.substr(text.size() - short_name_length);
}

ShimSpec spec_of(const Launch& launch, const ReplicaPaths& at, const ProcessDriverOptions& options, std::string secret, std::string token) {
    const auto ms = [](Duration d) { return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(d).count()); };
    ShimSpec spec{.id = launch.id.str(),
                  .program = absolute(launch.program),
                  .arguments = {},
                  .environment = {},
                  .readable_paths = {},
                  .log_path = launch.log_path.empty() ? std::string() : absolute(launch.log_path),
                  .health_path = launch.health_path,
                  .secret = std::move(secret),
                  .token = std::move(token),
                  .memory_bytes = launch.memory_bytes,
                  .cpu_ids = {launch.cpu_ids.begin(), launch.cpu_ids.end()},
                  .gpu_devices = launch.gpu_devices,
                  .unclaimed_ms = ms(options.unclaimed_limit),
                  .backoff_first_ms = ms(options.backoff_first),
                  .backoff_longest_ms = ms(options.backoff_longest),
                  .crashes_max = options.crashes_max,
                  .crash_window_ms = ms(options.crash_window)};
    for (const auto& word : launch.arguments) spec.arguments.push_back(expanded(word, at, spec.secret, Secrets::hidden));
    for (const auto& word : launch.environment) spec.environment.push_back(expanded(word, at, spec.secret, Secrets::shown));
    for (const auto& path : launch.readable_paths) spec.readable_paths.push_back(absolute(path));
    return spec;
}

expected<void> launch(Disk& disk, const std::string& shim_program, const ReplicaPaths& at, const ShimSpec& spec) {
    if (at.socket().size() > unix_path_max) {
        return complaint(
            fmt::format("the socket's path {} has {} bytes, a Unix socket's has at most {}: use a data directory with a shorter path",
                        at.socket(), at.socket().size(), unix_path_max));
    }
    const auto parent = at.directory.substr(0, at.directory.rfind('/'));
    if (const auto made = disk.make_directories(parent); !made) return complaint(made.error().said);
    if (const auto slash = spec.log_path.rfind('/'); slash != spec.log_path.npos && slash > 0) {
        if (const auto made = disk.make_directories(spec.log_path.substr(0, slash)); !made) return complaint(made.error().said);
    }
    for (const auto& path : {at.directory, at.run(), at.view()})
        if (auto made = make_private(path); !made) return made;
    if (auto kept = write_private(at.secret(), spec.secret + "\n"); !kept) return kept;
    if (auto kept = write_private(at.spec(), to_text(spec)); !kept) return kept;
    return start_shim(shim_program, at);
}

expected<void> start_shim(const std::string& shim_program, const ReplicaPaths& at) {
    SpawnSettings settings(at.shim_log());
    const std::string program = absolute(shim_program);
    const char* arguments[] = {program.c_str(), "shim", "--dir", at.directory.c_str(), nullptr};
    // Nothing of our environment: it may hold what a replica must not see.
    const char* environment[] = {"PATH=/usr/bin:/bin", nullptr};
    pid_t child = 0;
    const int failed = ::posix_spawn(&child, program.c_str(), &settings.actions, &settings.attributes, const_cast<char* const*>(arguments),
                                     const_cast<char* const*>(environment));
    if (failed) return complaint(fmt::format("cannot run {}: {}", program, std::strerror(failed)));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0) return {};
    const auto said = printable(small_file(at.shim_log()), 300);
    return complaint(said.empty() ? "the shim ended without a word" : said);
}

void clean_up(const ReplicaPaths& at) {
    std::error_code ignored;  // a next start tries again
    std::filesystem::remove_all(at.directory, ignored);
    sandbox::Cgroup::remove_leftover(at.group());
}

std::vector<Found> found_in(Disk& disk, const std::string& directory) {
    std::vector<Found> out;
    const auto names = disk.list(directory);
    if (!names) return out;  // the first start
    for (const auto& name : *names) {
        const bool is_ours = name.size() == short_name_length && name.find_first_not_of("0123456789abcdef") == name.npos;
        if (!is_ours) continue;  // never remove what somebody else put here
        const ReplicaPaths at{directory + "/" + name};
        const auto spec = parse_spec(small_file(at.spec()));
        const auto id = spec ? ReplicaId::parse(spec->id) : std::nullopt;
        if (spec && id) {
            out.push_back({at, *spec, *id});
        } else {
            log::warn("fleet", "removing {}: it holds no replica", at.directory);
            clean_up(at);
        }
    }
    return out;
}

expected<std::uint64_t> next_number(Disk& disk, const std::string& directory, std::uint64_t above) {
    const auto path = directory + "/holder";
    if (const auto made = disk.make_directories(directory); !made) return complaint(made.error().said);
    std::uint64_t number = 0;
    if (const auto text = disk.read_file(path)) std::from_chars(text->data(), text->data() + text->size(), number);
    number = std::max(number, above) + 1;
    if (number > claim_number_max) return complaint("the file " + path + " holds a number that is too large: remove it");
    if (const auto kept = disk.replace_file(path, std::to_string(number) + "\n"); !kept) return complaint(kept.error().said);
    return number;
}

}  // namespace meridian::fleet
