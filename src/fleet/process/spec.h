// What passes between the driver and a shim: the specification file, the control lines and the status lines. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace meridian::fleet {

struct ShimSpec {
    std::string id;  // the replica's
    std::string program;
    std::vector<std::string> arguments, environment, readable_paths;
    std::string log_path, health_path;
    std::string secret;  // the replica's bearer
    std::string token;   // what a claim has to show; the replica itself can reach the control socket on hosts without namespaces
    std::uint64_t memory_bytes = 0;
    std::vector<std::int64_t> cpu_ids;
    std::vector<std::string> gpu_devices;
    std::int64_t unclaimed_ms = 30'000;
    std::int64_t backoff_first_ms = 500, backoff_longest_ms = 30'000;
    std::int64_t crashes_max = 5, crash_window_ms = 60'000;  // so many crashes within this time: given up
    bool operator==(const ShimSpec&) const = default;
};
std::string to_text(const ShimSpec& spec);
expected<ShimSpec> parse_spec(std::string_view text);

// "claim 7 TOKEN", "status", "stop 5000", "restart", "leave".
struct ShimCommand {
    enum class Verb { claim, status, stop, restart, leave };
    Verb verb = Verb::status;
    std::uint64_t number = 0;  // claim: the fencing number; stop: the grace in milliseconds
    std::string token;
};
inline constexpr std::size_t shim_line_max = 256;
inline constexpr std::uint64_t grace_ms_max = 3'600'000;
inline constexpr std::uint64_t claim_number_max = INT64_MAX;
expected<ShimCommand> parse_command(std::string_view line);

enum class ShimState { starting, running, backing_off, failed, stopping, stopped, displaced, refused };
std::string_view name(ShimState state);

struct ShimStatus {
    ShimState state = ShimState::starting;
    std::int64_t pid = 0;  // of the program
    int restarts = 0;
    std::uint64_t holder = 0;  // the fencing number of the last claim
    std::vector<std::string> layers;
    std::string detail;
    bool operator==(const ShimStatus&) const = default;
};
inline constexpr std::size_t status_line_max = 8 * 1024;
std::string to_text(const ShimStatus& status);  // one line, without its end
expected<ShimStatus> parse_status(std::string_view line);

// Printable text of foreign bytes: for a detail that people read.
std::string printable(std::string_view bytes, std::size_t longest);

// The places of one replica. Only `run` is the replica's own.
struct ReplicaPaths {
    std::string directory;
    [[nodiscard]] std::string spec() const { return directory + "/spec.json"; }
    [[nodiscard]] std::string control() const { return directory + "/ctl.sock"; }
    [[nodiscard]] std::string shim_log() const { return directory + "/shim.log"; }
    [[nodiscard]] std::string view() const { return directory + "/view"; }
    [[nodiscard]] std::string run() const { return directory + "/run"; }
    [[nodiscard]] std::string socket() const { return run() + "/s.sock"; }  // llama-server knows a Unix socket by this ending
    [[nodiscard]] std::string secret() const { return run() + "/secret"; }
    // The name of its control group, so that a successor finds what a dead shim left.
    [[nodiscard]] std::string group() const { return "meridian-" + directory.substr(directory.rfind('/') + 1); }
};
inline constexpr std::size_t unix_path_max = 107;

}  // namespace meridian::fleet
