#include "llama_path.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
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

expected<inference::RuntimeOptions> runtimes_of(Disk& disk, const std::vector<std::string>& named, const std::string& llama,
                                                std::uint32_t threads) {
    inference::RuntimeOptions out{.all = {}, .threads = threads};
    for (const auto& text : named) {
        if (text.find('=') != text.npos) {
            auto one = inference::named_runtime(text);
            if (!one) return std::unexpected(one.error());
            out.all.push_back(std::move(*one));
            continue;
        }
        const auto file = disk.read_file(text);
        if (!file) return complaint(fmt::format("The runtimes in {} cannot be read: {}", text, file.error().said));
        auto some = inference::parse_runtimes(*file);
        if (!some) return complaint(fmt::format("The file {}: {}", text, some.error().said));
        std::ranges::move(*some, std::back_inserter(out.all));
    }
    for (const auto& one : out.all) {
        if (std::ranges::count(out.all, one.name, &inference::Runtime::name) > 1)
            return complaint(fmt::format("There are two runtimes named '{}': replicas remember theirs by its name.", one.name));
        if (::access(one.program.c_str(), X_OK) != 0)
            return complaint(fmt::format("The program {} of the runtime '{}' is not there or cannot be run.", one.program, one.name));
    }
    const bool has_llama = std::ranges::find(out.all, "llama.cpp", &inference::Runtime::name) != out.all.end();
    if (has_llama || llama.empty()) return out;
    auto ours = *inference::named_runtime("llama.cpp=" + llama);
    ours.readable.clear();  // it is linked statically
    out.all.push_back(std::move(ours));
    return out;
}

}  // namespace meridian::app
