// Where the runtimes are.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/expected.h"
#include "inference/runtime.h"

namespace meridian::app {

// `given` if not empty; else MERIDIAN_LLAMA_SERVER, else llama-server beside our own program, else in the PATH. Empty: nowhere.
std::string llama_path(const std::string& given);
// Those that the operator names ("vllm=PROGRAM", or a JSON file), then llama.cpp's server if `llama` says where it is.
expected<inference::RuntimeOptions> runtimes_of(Disk& disk, const std::vector<std::string>& named, const std::string& llama,
                                                std::uint32_t threads);
// Our own program, for starting shims.
std::string own_path();

}  // namespace meridian::app
