#include "metering/log/tile.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>

namespace meridian::metering {
namespace {

TEST(TilePaths, AreThoseOfTheSpecification) {
    const struct {
        Tile tile;
        std::string_view path;
    } rows[] = {
        {{0, 0, 256}, "0/000"},    {{0, 1234067, 256}, "0/x001/x234/067"}, {{1, 999, 256}, "1/999"}, {{2, 1000, 256}, "2/x001/000"},
        {{0, 67, 1}, "0/067.p/1"}, {{63, 1067, 255}, "63/x001/067.p/255"},
    };
    for (const auto& [tile, path] : rows) {
        EXPECT_EQ(tile.path(), path);
        EXPECT_EQ(Tile::parse(path), tile) << path;
    }
}

TEST(TilePaths, HaveNoSecondSpelling) {
    for (const auto* wrong : {"",
                              "0",
                              "0/",
                              "0/0",
                              "0/00",
                              "0/0000",
                              "00/000",
                              "64/000",
                              "-1/000",
                              "0/x000/001",
                              "0/001/002",
                              "0/x001",
                              "0/000.p/0",
                              "0/000.p/256",
                              "0/000.p/01",
                              "0/000.p/",
                              "0/000.p",
                              "0/000/",
                              "/000",
                              "0//000",
                              "0/000.p/1/",
                              "entries/000",
                              "0/x999/x999/x999/x999/x999/x999/999",
                              "0/..",
                              ".p/0",
                              "0.p/1",
                              "0/.p/1",
                              "0/0a0"})
        EXPECT_FALSE(Tile::parse(wrong)) << wrong;
}

TEST(Tiles, OfATreeOfSeventyThousandLeavesAreThoseOfTheSpecification) {
    std::map<unsigned, std::size_t> full;
    std::map<unsigned, unsigned> partial;
    for (const auto& tile : new_tiles(0, 70'000)) {
        if (tile.is_full())
            ++full[tile.level];
        else
            partial[tile.level] = tile.width;
        EXPECT_TRUE(has_tile(70'000, tile)) << tile.path();
    }
    EXPECT_EQ(full, (std::map<unsigned, std::size_t>{{0, 273}, {1, 1}}));
    EXPECT_EQ(partial, (std::map<unsigned, unsigned>{{0, 112}, {1, 17}, {2, 1}}));
}

TEST(Tiles, ThatATreeDoesNotHaveAreRefused) {
    EXPECT_FALSE(has_tile(0, {0, 0, 1}));
    EXPECT_TRUE(has_tile(1, {0, 0, 1}));
    EXPECT_FALSE(has_tile(1, {0, 0, 2}));
    EXPECT_FALSE(has_tile(255, {0, 0, 256}));
    EXPECT_FALSE(has_tile(255, {1, 0, 1}));
    EXPECT_TRUE(has_tile(256, {1, 0, 1}));
    EXPECT_FALSE(has_tile(~0ull, {8, 0, 1}));
    EXPECT_FALSE(has_tile(~0ull, {63, 0, 1}));
    EXPECT_FALSE(has_tile(1000, {0, ~0ull / 256, 256}));
}

TEST(Tiles, GrowFromAnySizeToAnyOther) {
    for (std::uint64_t from = 0; from < 1200; from += 37) {
        for (std::uint64_t to = from; to < 70'000; to = to * 2 + 129) {
            std::map<std::string, Tile> have;
            for (const auto& tile : new_tiles(0, from)) have[tile.path()] = tile;
            for (const auto& tile : new_tiles(from, to)) have[tile.path()] = tile;
            for (const auto& tile : new_tiles(0, to))
                EXPECT_TRUE(have.contains(tile.path())) << from << " to " << to << ": " << tile.path();
        }
    }
}

TEST(Tiles, HoldTheHashesOfTheTree) {
    Tree tree;
    for (int i = 0; i < 700; ++i) tree.append(leaf_hash(std::to_string(i)));
    const auto leaves = tile_bytes(tree, {0, 1, 256});
    ASSERT_EQ(leaves.size(), 8192u);
    EXPECT_EQ(leaves.substr(32, 32), as_view(leaf_hash("257")));
    // A hash of level 1 is the root of a full tile below: hashed up here by hand.
    std::vector<Sha256> row(256);
    for (std::size_t i = 0; i < row.size(); ++i) std::copy_n(leaves.data() + 32 * i, 32, reinterpret_cast<char*>(row[i].data()));
    for (; row.size() > 1; row.resize(row.size() / 2))
        for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
    EXPECT_EQ(tile_bytes(tree, {1, 0, 2}).substr(32), as_view(row.front()));
    EXPECT_EQ(tile_bytes(tree, {0, 2, 188}).size(), 188u * 32);
}

}  // namespace
}  // namespace meridian::metering
