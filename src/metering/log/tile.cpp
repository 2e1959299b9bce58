#include "metering/log/tile.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/number.h"

namespace meridian::metering {
namespace {

constexpr unsigned levels_at_once = 8;        // of the tree, in one level of tiles
constexpr unsigned level_max = 63;            // that a path may name
constexpr std::size_t index_digits_max = 18;  // past it lies no leaf
constexpr std::string_view partial_mark = ".p/";

// How many hashes there are at this level of tiles. 2^64 leaves have eight.
std::uint64_t hashes_at(std::uint64_t size, unsigned level) { return level * levels_at_once < 64 ? size >> (level * levels_at_once) : 0; }

std::optional<unsigned> small_number(std::string_view text, unsigned max) {
    const auto number = whole_number<unsigned>(text);
    return number && *number <= max ? number : std::nullopt;
}

// "x001/x234/067" is 1234067.
std::optional<std::uint64_t> index_in(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c >= '0' && c <= '9') digits += c;
    if (digits.size() > index_digits_max) return std::nullopt;
    return whole_number<std::uint64_t>(digits);
}

}  // namespace

std::string Tile::path() const {
    std::string elements = fmt::format("{:03}", index % 1000);
    for (auto rest = index / 1000; rest > 0; rest /= 1000) elements = fmt::format("x{:03}/{}", rest % 1000, elements);
    return is_full() ? fmt::format("{}/{}", level, elements) : fmt::format("{}/{}{}{}", level, elements, partial_mark, width);
}

std::optional<Tile> Tile::parse(std::string_view path) {
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto level = small_number(path.substr(0, slash), level_max);
    const auto mark = path.find(partial_mark, slash + 1);
    const auto width =
        mark == std::string_view::npos ? std::optional(tile_width) : small_number(path.substr(mark + partial_mark.size()), tile_width - 1);
    const auto index = index_in(path.substr(0, mark).substr(slash + 1));
    if (!level || !index || !width || *width == 0) return std::nullopt;
    const Tile tile{*level, *index, *width};
    return tile.path() == path ? std::optional(tile) : std::nullopt;
}

bool has_tile(std::uint64_t size, const Tile& tile) {
    const auto hashes = hashes_at(size, tile.level);
    return tile.index < (hashes + tile_width - 1) / tile_width && tile.index * tile_width + tile.width <= hashes;
}

std::vector<Tile> new_tiles(std::uint64_t from, std::uint64_t to) {
    std::vector<Tile> tiles;
    for (unsigned level = 0; hashes_at(to, level) > 0; ++level) {
        const auto before = hashes_at(from, level), now = hashes_at(to, level);
        for (auto index = before / tile_width; index < now / tile_width; ++index) tiles.push_back({level, index, tile_width});
        if (now % tile_width != 0 && now != before) tiles.push_back({level, now / tile_width, static_cast<unsigned>(now % tile_width)});
    }
    return tiles;
}

std::string tile_bytes(const Tree& tree, const Tile& tile) {
    MERIDIAN_ASSERT(has_tile(tree.size(), tile));
    const auto hashes = tree.row(static_cast<std::size_t>(tile.level) * levels_at_once, tile.index * tile_width, tile.width);
    return {reinterpret_cast<const char*>(hashes.data()), hashes.size_bytes()};
}

}  // namespace meridian::metering
