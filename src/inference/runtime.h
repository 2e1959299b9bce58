// How a model becomes a process: the launch of llama.cpp's server as data. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "catalog/service.h"
#include "fleet/service.h"

namespace meridian::inference {

struct RuntimeOptions {
    std::string llama_server;                 // the program
    std::vector<std::string> extra_readable;  // libraries of a custom build
    std::uint32_t threads = 0;                // 0: chosen from the node's CPUs
};

// What one replica needs: weights (mapped and partly repacked), the key-value cache of all slots, working memory.
fleet::Need need_of(const catalog::Model& model, std::uint32_t gpus);

// One thread fewer than the CPUs: with all of them, a busy neighbour makes decoding collapse more than twentyfold
// (every barrier waits for a descheduled thread), and one CPU has to be left for the gateway anyway.
std::uint32_t threads_for(std::uint32_t cpus);

fleet::Launch launch_of(const RuntimeOptions& options, const catalog::Model& model, const std::string& model_path, const fleet::Node& node,
                        const std::vector<int>& gpus, ReplicaId id, std::string log_path);

}  // namespace meridian::inference
