// The catalogue's platforms and applications on one node. A name says the node's size, an id is the same after every start.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"
#include "quantum/service/service.h"

namespace meridian::quantum::service {
namespace {

// The rest is for the system, the runtimes of deployed models and ourselves.
constexpr std::uint64_t engine_share_percent = 60;
constexpr std::uint64_t amplitude_bytes_double = 16, amplitude_bytes_single = 8;

void replace(std::string& text, std::string_view what, const std::string& by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

Uuid id_of(std::string_view kind, const std::string& zone, std::string_view name) {
    const auto digest = sha256(fmt::format("meridian quantum {} {} {}", kind, zone, name));
    Uuid uuid;
    std::memcpy(uuid.bytes.data(), digest.data(), uuid.bytes.size());
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x80);  // version 8: made by a rule of our own
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid;
}

}  // namespace

std::uint64_t engine_memory(const NodeFacts& node) { return node.memory_bytes / 100 * engine_share_percent; }

std::vector<Application> applications_of(const std::vector<catalog::ApplicationFacts>& all, const std::string& zone) {
    std::vector<Application> made;
    for (const auto& facts : all) made.push_back({ApplicationId(id_of("application", zone, facts.name)), facts});
    return made;
}

std::vector<Platform> platforms_of(const std::vector<catalog::PlatformFacts>& all, const NodeFacts& node) {
    std::vector<Platform> made;
    const auto memory = engine_memory(node);
    const auto gibibytes = (node.memory_bytes + (std::uint64_t{1} << 29)) >> 30;
    for (const auto& facts : all) {
        Platform platform{.id = PlatformId(id_of("platform", node.zone, facts.name)),
                          .name = facts.name,
                          .facts = facts,
                          .qubits_max = 0,
                          .cpus = node.cpus,
                          .memory_bytes = memory};
        replace(platform.name, "{cpus}", std::to_string(node.cpus));
        replace(platform.name, "{memory}", std::to_string(std::max<std::uint64_t>(gibibytes, 1)));
        const auto amplitudes = memory / (facts.precision == "single" ? amplitude_bytes_single : amplitude_bytes_double);
        platform.qubits_max = std::min<std::uint32_t>(facts.qubits_max, static_cast<std::uint32_t>(std::bit_width(amplitudes | 1)) - 1);
        made.push_back(std::move(platform));
    }
    return made;
}

// Flat, because a directory for each job would have to be made durable for each job.
std::string program_content(const ProgramId& id) { return "quantum/programs/" + id.str(); }
std::string circuit_content(const JobId& id) { return "quantum/circuits/" + id.str(); }
std::string result_content(const JobId& id) { return "quantum/results/" + id.str(); }
std::string key_content(const JobId& id) { return "quantum/keys/" + id.str(); }
std::array<std::string, 3> contents_of(const JobId& id) { return {result_content(id), circuit_content(id), key_content(id)}; }

}  // namespace meridian::quantum::service
