// The files of hashes that C2SP's tlog-tiles makes of a log: which hashes each one holds, and its path. Pure.
//
// A tile holds up to 256 hashes of one level of the tree. Only those at the right edge are partial; a full one never changes, so
// that anybody may keep it for ever. A leaf is a hash here, so nothing of a receipt can be read from a tile.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metering/tree.h"

namespace meridian::metering {

inline constexpr unsigned tile_width = 256;

struct Tile {
    unsigned level = 0;
    std::uint64_t index = 0;
    unsigned width = tile_width;
    bool operator==(const Tile&) const = default;
    [[nodiscard]] bool is_full() const { return width == tile_width; }
    // What follows "tile/": "0/x001/067", "1/000.p/5".
    [[nodiscard]] std::string path() const;
    // Only what path() gives.
    static std::optional<Tile> parse(std::string_view path);
};

// Whether a tree of so many leaves has all hashes of the tile.
bool has_tile(std::uint64_t size, const Tile& tile);
// The tiles of a tree of `to` leaves that one of `from` leaves lacks, those at its right edge included; lower levels first.
std::vector<Tile> new_tiles(std::uint64_t from, std::uint64_t to);
// The hashes, one behind the other. The tree must have them.
std::string tile_bytes(const Tree& tree, const Tile& tile);

}  // namespace meridian::metering
