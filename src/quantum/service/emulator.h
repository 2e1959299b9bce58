// The computer of this node: decoders of `quantum/programs` and engines of `quantum/engines` on threads that no event loop waits for.
#pragma once
#include <functional>
#include <memory>

#include "quantum/engines/engine.h"
#include "quantum/service/computer.h"
#include "store/blobs.h"

namespace meridian::quantum::service {

struct EmulatorOptions {
    std::string zone;
    std::uint64_t memory_bytes = 0;  // that engines may use altogether
    unsigned threads = 0;            // of a large job's team; 0: one a CPU
    unsigned cpus = 1;               // of the node
    std::optional<double> watts;     // what the node's processors draw under full load, as the operator declares
    // What the processors have used since some moment, in microjoules; empty where they have no counter.
    std::function<std::optional<std::uint64_t>()> energy_counter = {};
};

// `reading` decodes, one project's job on each of its threads; the lanes' pools have one thread each, on which teams compute.
std::unique_ptr<Computer> emulator(store::ContentStore& content, Clock& clock, Rng& rng, Pool& reading, Pool& small_lane, Pool& large_lane,
                                   EmulatorOptions options);

namespace limits {
inline constexpr std::size_t kept_job_bytes = std::size_t{8} << 20, kept_bytes = std::size_t{256} << 20;  // of circuits kept in the queue
inline constexpr std::size_t plan_caches = 64;                                                            // sessions whose plans are kept
inline constexpr std::uint64_t small_memory_bytes = std::uint64_t{64} << 20;                              // of a small job
inline constexpr std::uint64_t memory_shots = 4'000'000;  // of a job whose every shot is shown
inline constexpr double small_seconds = 0.05;
}  // namespace limits

}  // namespace meridian::quantum::service
