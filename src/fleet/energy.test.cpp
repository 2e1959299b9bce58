#include "fleet/energy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace meridian::fleet {
namespace {

class Counters : public testing::Test {
protected:
    void SetUp() override { std::filesystem::remove_all(root_); }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void zone(const std::string& name, const std::string& kind, const std::string& microjoules) {
        const auto directory = root_ + "/" + name;
        std::filesystem::create_directories(directory);
        std::ofstream(directory + "/name") << kind << "\n";
        std::ofstream(directory + "/energy_uj") << microjoules << "\n";
        std::ofstream(directory + "/max_energy_range_uj") << "1000\n";
    }
    std::string root_ = testing::TempDir() + "meridian-powercap";
};

TEST_F(Counters, AddThePackagesAndNothingElse) {
    zone("intel-rapl:0", "package-0", "100");
    zone("intel-rapl:1", "package-1", "900");
    zone("intel-rapl:0:0", "core", "50");
    zone("intel-rapl:2", "psys", "50");
    auto counter = energy_counter(root_);
    ASSERT_TRUE(counter);
    EXPECT_EQ(counter(), 0u);
    zone("intel-rapl:0", "package-0", "130");
    zone("intel-rapl:1", "package-1", "20");  // it began anew
    EXPECT_EQ(counter(), 30u + 120u);
    zone("intel-rapl:1", "package-1", "25");
    EXPECT_EQ(counter(), 155u);
}

TEST_F(Counters, ThatCannotBeReadSayNothing) {
    EXPECT_FALSE(energy_counter(root_)) << "no directory";
    zone("intel-rapl:2", "psys", "50");
    EXPECT_FALSE(energy_counter(root_)) << "no package";
    zone("intel-rapl:0", "package-0", "");
    EXPECT_FALSE(energy_counter(root_)) << "as without the right to read it";
    zone("intel-rapl:0", "package-0", "7");
    auto counter = energy_counter(root_);
    ASSERT_TRUE(counter);
    zone("intel-rapl:0", "package-0", "gone");
    EXPECT_EQ(counter(), std::nullopt);
}

}  // namespace
}  // namespace meridian::fleet
