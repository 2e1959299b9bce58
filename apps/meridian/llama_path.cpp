#include "llama_path.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace meridian::app {

std::string own_path() {
    std::error_code bad;
    return std::filesystem::read_symlink("/proc/self/exe", bad).string();
}

std::string llama_path(const std::string& given) {
    namespace fs = std::filesystem;
    std::error_code bad;
    const auto real = [&](const fs::path& path) { return fs::exists(path, bad) ? fs::canonical(path, bad).string() : std::string(); };
    if (!given.empty()) return real(given);
    if (const char* named = std::getenv("MERIDIAN_LLAMA_SERVER")) return real(named);
    if (auto beside = real(fs::path(own_path()).parent_path() / "llama-server"); !beside.empty()) return beside;
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (auto found = real(fs::path(folder) / "llama-server"); !found.empty()) return found;
    }
    return {};
}

}  // namespace meridian::app
