#include <algorithm>
#include <charconv>

#include "fleet/host.h"

namespace meridian::fleet {
namespace {

std::string_view trimmed(std::string_view s) {
    const auto blank = " \t\r\n";
    const auto from = s.find_first_not_of(blank);
    if (from == s.npos) return {};
    return s.substr(from, s.find_last_not_of(blank) - from + 1);
}

template <class N>
std::optional<N> number(std::string_view text) {
    text = trimmed(text);
    N value{};
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> out;
    while (true) {
        const auto end = text.find(at);
        out.push_back(trimmed(text.substr(0, end)));
        if (end == text.npos) return out;
        text.remove_prefix(end + 1);
    }
}

constexpr std::uint64_t unlimited_from = 1ull << 60;  // v1 writes "no limit" as a number near 2^63

}  // namespace

std::optional<std::uint64_t> memory_total(std::string_view meminfo) {
    constexpr std::string_view key = "MemTotal:";
    for (auto line : split(meminfo, '\n')) {
        if (!line.starts_with(key)) continue;
        line.remove_prefix(key.size());
        const auto unit = line.rfind("kB");
        if (unit == line.npos) return std::nullopt;
        const auto kib = number<std::uint64_t>(line.substr(0, unit));
        if (!kib || *kib > unlimited_from / 1024) return std::nullopt;
        return *kib * 1024;
    }
    return std::nullopt;
}

std::string cpu_of(std::string_view cpuinfo) {
    constexpr std::size_t word_max = 32;
    std::string implementer, part;
    for (const auto line : split(cpuinfo.substr(0, cpuinfo.find("\n\n")), '\n')) {
        const auto colon = line.find(':');
        if (colon == line.npos) continue;
        const auto key = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1)).substr(0, word_max);
        if (key == "vendor_id") return std::string(value);
        if (key == "CPU implementer") implementer = value;
        if (key == "CPU part") part = value;
    }
    return implementer.empty() || part.empty() ? "" : implementer + "-" + part;
}

std::optional<std::uint64_t> memory_limit(std::string_view text) {
    const auto bytes = number<std::uint64_t>(text);
    if (!bytes || *bytes == 0 || *bytes >= unlimited_from) return std::nullopt;
    return bytes;
}

std::optional<std::uint32_t> cpu_quota(std::string_view text) {
    const auto parts = split(trimmed(text), ' ');
    if (parts.size() != 2) return std::nullopt;
    const auto quota = number<std::int64_t>(parts[0]), period = number<std::int64_t>(parts[1]);
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(*quota / *period, 1, 1 << 16));
}

std::optional<GpuDevice> parse_gpu_information(std::string_view text) {
    constexpr std::string_view uuid_key = "GPU UUID:", minor_key = "Device Minor:";
    std::optional<std::string> uuid;
    std::optional<int> minor;
    for (const auto line : split(text, '\n')) {
        if (line.starts_with(uuid_key)) uuid = trimmed(line.substr(uuid_key.size()));
        if (line.starts_with(minor_key)) minor = number<int>(line.substr(minor_key.size()));
    }
    if (!uuid || !uuid->starts_with("GPU-") || !minor || *minor < 0) return std::nullopt;
    return GpuDevice{std::move(*uuid), *minor};
}

std::vector<Gpu> parse_nvidia_smi(std::string_view csv) {
    std::vector<Gpu> out;
    for (const auto line : split(csv, '\n')) {
        const auto parts = split(line, ',');
        if (parts.size() != 4) continue;
        const auto index = number<int>(parts[0]);
        const auto mib = number<std::uint64_t>(parts[3]);
        if (!index || *index < 0 || !parts[1].starts_with("GPU-") || parts[2].empty() || !mib || *mib > (1u << 30)) continue;
        out.push_back({.name = std::string(parts[2]),
                       .uuid = std::string(parts[1]),
                       .memory_bytes = *mib << 20,
                       .index = *index,
                       .device = "/dev/nvidia" + std::to_string(*index)});
    }
    std::ranges::sort(out, {}, &Gpu::index);
    return out;
}

std::string gpu_slug(std::string_view name) {
    if (name.starts_with("NVIDIA ")) name.remove_prefix(7);
    std::string out;
    for (const char c : name) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain) {
            out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        } else if (!out.empty() && out.back() != '-') {
            out += '-';
        }
    }
    constexpr std::size_t longest = 40;  // of the 64 characters that clients allow a type's name
    if (out.size() > longest) out.resize(longest);
    while (out.ends_with('-')) out.pop_back();
    return out.empty() ? "UNNAMED" : out;
}

}  // namespace meridian::fleet
