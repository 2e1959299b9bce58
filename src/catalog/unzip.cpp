#include "catalog/unzip.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <vector>

namespace meridian::catalog {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

expected<void> unzip(const std::string& archive, const std::string& member, std::uint64_t bytes,
                     const std::function<void(std::string_view)>& into) {
    int why = 0;
    const std::unique_ptr<zip_t, Discard> zip(zip_open(archive.c_str(), ZIP_RDONLY, &why));
    if (!zip) return complaint("the archive cannot be opened as a zip file");
    const auto index = zip_name_locate(zip.get(), member.c_str(), 0);
    if (index < 0) return complaint(fmt::format("the archive has no member '{}'", member));
    zip_stat_t facts;
    zip_stat_init(&facts);
    constexpr auto needed = ZIP_STAT_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(zip.get(), static_cast<zip_uint64_t>(index), 0, &facts) != 0 || (facts.valid & needed) != needed) {
        return complaint(fmt::format("the member '{}' cannot be read", member));
    }
    if (facts.encryption_method != ZIP_EM_NONE) return complaint(fmt::format("the member '{}' is encrypted", member));
    if (facts.size != bytes) return complaint(fmt::format("the member '{}' has {} bytes instead of {}", member, facts.size, bytes));
    const std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(zip.get(), static_cast<zip_uint64_t>(index), 0));
    if (!file) return complaint(fmt::format("the member '{}' cannot be read", member));

    std::vector<char> piece(piece_bytes);
    std::uint64_t seen = 0;
    for (;;) {
        const auto count = zip_fread(file.get(), piece.data(), piece.size());
        if (count < 0) return complaint(fmt::format("the member '{}' is damaged: {}", member, zip_file_strerror(file.get())));
        if (count == 0) break;
        seen += static_cast<std::uint64_t>(count);
        if (seen > bytes) return complaint(fmt::format("the member '{}' is longer than it says", member));
        into({piece.data(), static_cast<std::size_t>(count)});
    }
    if (seen != bytes) return complaint(fmt::format("the member '{}' ends after {} of {} bytes", member, seen, bytes));
    return {};
}

}  // namespace meridian::catalog
