#include "fleet/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/sim/world.h"
#include "fleet/sandbox/cgroup.h"
#include "fleet/sandbox/sandbox.h"

namespace meridian::fleet {
namespace {

using testing::Contains;
using testing::ElementsAre;

TEST(Host, ReadsWhatTheKernelWrites) {
    EXPECT_EQ(memory_total("MemTotal:       24615436 kB\nMemFree:         1 kB\n"), 24615436ull * 1024);
    EXPECT_EQ(memory_total("MemFree: 1 kB\n"), std::nullopt);
    EXPECT_EQ(memory_total("MemTotal: many kB\n"), std::nullopt);
    EXPECT_EQ(memory_limit("1073741824\n"), 1ull << 30);
    EXPECT_EQ(memory_limit("max\n"), std::nullopt);
    EXPECT_EQ(memory_limit("9223372036854771712\n"), std::nullopt);
    EXPECT_EQ(cpu_quota("200000 100000\n"), 2u);
    EXPECT_EQ(cpu_quota("50000 100000\n"), 1u);
    EXPECT_EQ(cpu_quota("max 100000\n"), std::nullopt);
    EXPECT_EQ(cpu_quota("-1\n 100000\n"), std::nullopt);
}

TEST(Host, ReadsGpusAndLeavesOutWhatItCannotRead) {
    const auto gpus = parse_nvidia_smi(
        "1, GPU-8a1f2c3d-0000-1111-2222-333344445555, NVIDIA H100 80GB HBM3, 81559\n"
        "0, GPU-7b1f2c3d-0000-1111-2222-333344445555, NVIDIA H100 80GB HBM3, 81559\n"
        "2, GPU-9c1f2c3d-0000-1111-2222-333344445555, NVIDIA GeForce, [N/A]\n"
        "No devices were found\n"
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n");
    ASSERT_EQ(gpus.size(), 2u);
    EXPECT_EQ(gpus[0].index, 0);
    EXPECT_EQ(gpus[0].uuid, "GPU-7b1f2c3d-0000-1111-2222-333344445555");
    EXPECT_EQ(gpus[1].name, "NVIDIA H100 80GB HBM3");
    EXPECT_EQ(gpus[1].memory_bytes, 81559ull << 20);
}

TEST(Host, ReadsWhichDeviceAGpuIs) {
    const auto found = parse_gpu_information(
        "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 18\nGPU UUID: \t GPU-8a1f2c3d-0000-1111-2222-333344445555\n"
        "Bus Location: \t 0000:04:00.0\nDevice Minor: \t 5\n");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->uuid, "GPU-8a1f2c3d-0000-1111-2222-333344445555");
    EXPECT_EQ(found->minor, 5);
    EXPECT_FALSE(parse_gpu_information("GPU UUID: GPU-1\nDevice Minor: five\n"));
    EXPECT_FALSE(parse_gpu_information("Device Minor: 5\n"));
}

// The nvidia-smi here is a script of this test's own: it says what a host with two GPUs would.
TEST(Host, OffersTheGpusThatNvidiaSmiNames) {
    char made[] = "/tmp/smi-XXXXXX";
    ASSERT_NE(::mkdtemp(made), nullptr);
    const std::string directory = made;
    std::ofstream(directory + "/nvidia-smi") << "#!/bin/sh\n"
                                                "test \"$1\" = --query-gpu=index,uuid,name,memory.total || exit 9\n"
                                                "echo '1, GPU-b, NVIDIA L4, 23034'\n"
                                                "echo '0, GPU-a, NVIDIA L4, 23034'\n";
    std::filesystem::permissions(directory + "/nvidia-smi", std::filesystem::perms::owner_all);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (directory + ":" + path).c_str(), 1);
    sim::World world(1);
    const auto node = probe_host(world.disk(), world.rng(), geography::Zone::parse("fr-par-1").value(), "/state");
    ::setenv("PATH", path.c_str(), 1);
    std::filesystem::remove_all(directory);
    ASSERT_EQ(node.gpus.size(), 2u);
    EXPECT_EQ(node.gpus[1].uuid, "GPU-b");
    EXPECT_EQ(node.gpus[1].device, "/dev/nvidia1");
    const auto types = node_types(std::vector{node});
    ASSERT_EQ(types.size(), 3u);
    EXPECT_EQ(types[1].name, "GPU-L4-1" + types[0].name.substr(types[0].name.rfind('G') + 1));
    EXPECT_EQ(types[2].gpus, 2u);
    EXPECT_EQ(types[2].gpu, "NVIDIA L4");
}

TEST(Host, KnowsWhoseCoresItHas) {
    EXPECT_EQ(cpu_of("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n\nprocessor\t: 1\n"), "GenuineIntel");
    EXPECT_EQ(cpu_of("processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n\n"), "0x41-0xd0c");
    EXPECT_EQ(cpu_of("CPU implementer\t: 0x41\n"), "");
    EXPECT_EQ(cpu_of(""), "");
    EXPECT_EQ(cpu_of("vendor_id: " + std::string(1000, 'x')).size(), 32u);
}

TEST(Host, FindsItsControlGroupsOfBothVersions) {
    const auto found = sandbox::parse_hierarchies(
        "30 20 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
        "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
        "32 20 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
        "33 20 0:29 / /proc rw - proc proc rw\n",
        "4:memory:/a/b\n3:cpu,cpuacct:/\n0::/user.slice\n");
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].own, "/sys/fs/cgroup/memory/a/b");
    EXPECT_THAT(found[0].controllers, Contains("memory"));
    EXPECT_EQ(found[1].own, "/sys/fs/cgroup/cpu,cpuacct");
    EXPECT_EQ(found[2].own, "/sys/fs/cgroup/unified/user.slice");
    EXPECT_TRUE(found[2].is_v2);
}

TEST(Host, IsProbedAndKeepsItsId) {
    sim::World world(1);
    const auto zone = geography::Zone::parse("fr-par-1").value();
    const auto first = probe_host(world.disk(), world.rng(), zone, "/state");
    EXPECT_GE(first.cpus, 1u);
    EXPECT_EQ(first.cpu_ids.size(), first.cpus);
    EXPECT_GT(first.memory_bytes, 0u);
    EXPECT_FALSE(first.arch.empty());
    EXPECT_THAT(first.sandbox_layers, Contains("no-new-privs"));
    EXPECT_EQ(probe_host(world.disk(), world.rng(), zone, "/state").id, first.id);
}

TEST(NodeTypes, AreDerivedFromNodes) {
    const auto zone = geography::Zone::parse("fr-par-1").value();
    constexpr std::uint64_t gib = 1ull << 30;
    Node small{
        .id = {}, .name = "a", .zone = zone, .arch = "x86_64", .cpus = 2, .memory_bytes = 24 * gib - 1, .gpus = {}, .sandbox_layers = {}};
    Node arm = small;
    arm.arch = "aarch64";
    Node large = small;
    large.cpus = 16;
    large.memory_bytes = 128 * gib;
    for (int i = 0; i < 3; ++i) large.gpus.push_back({"NVIDIA H100 80GB HBM3", "GPU-x", 80 * gib, i});
    const std::vector nodes{small, small, arm, large};
    const auto types = node_types(nodes);
    std::vector<std::string> names;
    for (const auto& type : types) names.push_back(type.name);
    EXPECT_THAT(names, ElementsAre("CPU-16C-128G", "CPU-2C-23G", "CPU-2C-23G-AARCH64", "GPU-H100-80GB-HBM3-1", "GPU-H100-80GB-HBM3-2"));
    EXPECT_EQ(types[4].gpus, 2u);
    EXPECT_EQ(types[4].vram_bytes, 160 * gib);
    EXPECT_EQ(types[4].vcpus, 10u);
    EXPECT_EQ(types[4].description, "2 x NVIDIA H100 80GB HBM3 with 80 GiB each, 10 CPUs and 85 GiB of memory (x86_64)");
    EXPECT_LE(gpu_slug(std::string(500, 'x')).size(), 40u);
}

}  // namespace
}  // namespace meridian::fleet
