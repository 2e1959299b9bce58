// Where the runtime is.
#pragma once
#include <string>

namespace meridian::app {

// `given` if not empty; else MERIDIAN_LLAMA_SERVER, else llama-server beside our own program, else in the PATH. Empty: nowhere.
std::string llama_path(const std::string& given);
// Our own program, for starting shims.
std::string own_path();

}  // namespace meridian::app
