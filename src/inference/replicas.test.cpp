// How many replicas there are, where, and on which GPUs and CPUs.
#include <gmock/gmock.h>

#include <algorithm>

#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::House;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;
using enum DeploymentState;

DeploymentWish wish(std::string name, std::string type, std::uint32_t min_size = 1, std::uint32_t max_size = 1) {
    DeploymentWish out;
    out.name = std::move(name);
    out.model = "talk";
    out.node_type = std::move(type);
    out.min_size = min_size;
    out.max_size = max_size;
    return out;
}

struct Replicas : ::testing::Test {
    explicit Replicas(std::uint64_t memory = House::large, int gpus = 0) : house(memory, gpus) { house.reconcile(); }
    DeploymentId create(DeploymentWish what) {
        return house.world.run(house.life->deployments->create(house.life->caller, std::move(what))).id;
    }
    // What is said of the deployment, once it is ready with so many.
    Deployment ready_with(const DeploymentId& id, std::uint32_t size) {
        for (int i = 0; i < 600; ++i) {
            const auto d = house.get(id);
            if (d.state == ready && d.size == size && house.replicas().size() == size) return d;
            EXPECT_NE(d.state, error) << d.error_message.value_or("");
            house.world.run_for(100ms);
        }
        const auto d = house.get(id);
        ADD_FAILURE() << "it is " << name(d.state) << " with " << d.size << ": " << d.error_message.value_or("");
        return d;
    }
    void load(int running) {
        for (auto& backend : house.backends("talk")) backend.load->running = running;
    }
    House house;
};

struct OnGpus : Replicas {
    OnGpus() : Replicas(House::large, 2) {}
};

TEST_F(OnGpus, TheNodeTypeBringsGpusAndTheRuntimeThatUsesThem) {
    const auto id = create(wish("d", "GPU-L4-1"));
    ready_with(id, 1);
    ASSERT_THAT(house.driver.launches, SizeIs(1));
    const auto& launch = house.driver.launches.front();
    EXPECT_EQ(launch.program, "/opt/vllm/bin/vllm");
    EXPECT_THAT(launch.environment, Contains("CUDA_VISIBLE_DEVICES=0"));
    EXPECT_EQ(launch.gpu_devices, std::vector<std::string>{"/dev/nvidia0"});
    EXPECT_THAT(house.get(id).placed_because, HasSubstr("with GPU 0"));
    EXPECT_FALSE(house.backends("talk").front().fresh_for_streams);
}

TEST_F(OnGpus, WorkWithoutThemGetsNone) {
    const auto id = create(wish("d", ""));
    ready_with(id, 1);
    EXPECT_EQ(house.get(id).node_type, "CPU-4C-8G");
    EXPECT_EQ(house.driver.launches.front().program, "/usr/bin/llama-server");
    EXPECT_TRUE(house.driver.launches.front().gpu_devices.empty());
    EXPECT_TRUE(house.backends("talk").front().fresh_for_streams);
}

TEST_F(OnGpus, EveryReplicaHasItsOwnAndWhatEndsIsFreed) {
    const auto first = create(wish("a", "GPU-L4-1"));
    const auto second = create(wish("b", "GPU-L4-1"));
    ASSERT_TRUE(house.becomes(first, ready));
    ASSERT_TRUE(house.becomes(second, ready));
    const auto rows = house.replicas();
    ASSERT_THAT(rows, SizeIs(2));
    EXPECT_NE(rows[0].gpus, rows[1].gpus);
    const auto third = create(wish("c", "GPU-L4-1"));
    ASSERT_TRUE(house.becomes(third, error));
    EXPECT_THAT(*house.get(third).error_message,
                AllOf(HasSubstr("node debian has 0 of 2 GPUs free that are NVIDIA L4, 1 needed"), HasSubstr("GPU-L4-1")));
    house.remove(first);
    house.world.run_for(5s);
    house.change(third, {});
    EXPECT_TRUE(house.becomes(third, ready)) << "the GPU of the first is free";
}

TEST_F(OnGpus, TwoThatComeInOnePassDoNotGetTheSame) {
    house.end();
    house.begin();
    const auto first = create(wish("a", "GPU-L4-1")), second = create(wish("b", "GPU-L4-1"));
    house.reconcile();
    ASSERT_TRUE(house.becomes(first, ready));
    ASSERT_TRUE(house.becomes(second, ready));
    const auto rows = house.replicas();
    EXPECT_NE(rows[0].gpus, rows[1].gpus);
}

TEST_F(OnGpus, TheyAreKeptOverARestart) {
    const auto id = create(wish("a", "GPU-L4-2"));
    ready_with(id, 1);
    const auto before = house.replicas().front();
    house.kill();
    house.reconcile();
    ready_with(id, 1);
    const auto after = house.replicas().front();
    EXPECT_EQ(after.id, before.id);
    EXPECT_EQ(after.gpus, (std::vector<int>{0, 1}));
    EXPECT_EQ(after.cpu_ids, before.cpu_ids);
    EXPECT_EQ(after.runtime, "vllm");
    EXPECT_EQ(after.memory_bytes, before.memory_bytes);
}

TEST_F(Replicas, HaveCpusOfTheirOwnAndAsManyThreads) {
    house.node.cpu_ids = {0, 1, 2, 3};
    house.end();
    house.begin();
    house.reconcile();
    const auto id = create(wish("d", "", 2, 2));
    ready_with(id, 2);
    const auto& launches = house.driver.launches;
    ASSERT_THAT(launches, SizeIs(2));
    EXPECT_EQ(launches[0].cpu_ids, (std::vector<int>{1, 2}));
    EXPECT_EQ(launches[1].cpu_ids, std::vector<int>{3});
    EXPECT_EQ(*std::next(std::ranges::find(launches[0].arguments, "--threads")), "2");
    EXPECT_EQ(*std::next(std::ranges::find(launches[1].arguments, "--threads")), "1");
}

TEST_F(Replicas, FollowTheLoadBetweenTheirSizes) {
    const auto id = create(wish("d", "", 1, 3));
    ready_with(id, 1);
    load(2);  // both slots
    house.world.run_for(8s);
    EXPECT_EQ(house.get(id).size, 1u) << "not for long enough";
    house.world.run_for(9s);
    EXPECT_EQ(ready_with(id, 2).error_message, std::nullopt);
    load(1);
    house.world.run_for(300s);
    EXPECT_EQ(house.get(id).size, 2u) << "one replica would be full with two requests: that is calm, not idle";
    load(0);
    house.world.run_for(130s);
    ready_with(id, 1);
    house.world.run_for(300s);
    EXPECT_EQ(house.get(id).size, 1u);
}

TEST_F(Replicas, ChangedSizesPassThroughScaling) {
    const auto id = create(wish("d", ""));
    ready_with(id, 1);
    EXPECT_EQ(house.change(id, {.name = {}, .tags = {}, .min_size = 2, .max_size = 4, .model = {}}).state, scaling);
    ready_with(id, 2);
    EXPECT_EQ(house.change(id, {.name = {}, .tags = {}, .min_size = 1, .max_size = 1, .model = {}}).state, scaling);
    ready_with(id, 1);
}

TEST_F(Replicas, OneThatIsNotNeededEndsItsAnswersFirst) {
    const auto id = create(wish("d", "", 2, 2));
    ready_with(id, 2);
    const auto busy = house.replicas().back().id;
    const auto backends = house.backends("talk");
    load(1);
    house.change(id, {.name = {}, .tags = {}, .min_size = 1, .max_size = 1, .model = {}});
    house.world.run_for(5s);
    EXPECT_THAT(house.backends("talk"), SizeIs(1)) << "nothing new goes there";
    EXPECT_TRUE(house.driver.running.contains(busy));
    for (const auto& backend : backends) backend.load->running = 0;
    house.world.run_for(1s);
    EXPECT_FALSE(house.driver.running.contains(busy));
    ready_with(id, 1);
}

struct OnASmallNode : Replicas {
    OnASmallNode() : Replicas(400 << 20) {}  // two replicas
};

TEST_F(OnASmallNode, WhatHasNoPlaceIsSaidAndTheRestServes) {
    const auto id = create(wish("d", "", 1, 1));
    ready_with(id, 1);
    const auto first = house.driver.running.begin()->first;
    house.change(id, {.name = {}, .tags = {}, .min_size = 4, .max_size = 4, .model = {}});
    for (int i = 0; i < 100; ++i) {
        house.world.run_for(100ms);
        ASSERT_NE(house.get(id).state, error);
        ASSERT_TRUE(house.driver.running.contains(first));
    }
    const auto d = ready_with(id, 2);
    EXPECT_THAT(d.error_message.value_or(""),
                AllOf(HasSubstr("2 of 4 replicas run."), HasSubstr("node debian has"), HasSubstr("memory free")));
    EXPECT_THAT(house.backends("talk"), SizeIs(2));
    house.change(id, {.name = {}, .tags = {}, .min_size = 2, .max_size = 2, .model = {}});
    house.world.run_for(10s);
    EXPECT_EQ(ready_with(id, 2).error_message, std::nullopt) << "nothing is missing any more";
}

TEST_F(OnASmallNode, ALoadThatHasNoPlaceIsSaidAsLongAsItStays) {
    const auto id = create(wish("d", "", 1, 5));
    ready_with(id, 1);
    for (int i = 0; i < 60; ++i) {
        load(2);
        house.world.run_for(1s);
    }
    EXPECT_THAT(ready_with(id, 2).error_message.value_or(""), HasSubstr("replicas run. No node has a place: node debian has"));
    const auto version = house.get(id).version;
    house.world.run_for(60s);
    EXPECT_EQ(house.get(id).version, version) << "it is said once";
    load(1);
    house.world.run_for(10s);
    EXPECT_EQ(ready_with(id, 2).error_message, std::nullopt);
}

TEST_F(OnASmallNode, WhatIsMissingComesWhenThereIsAPlace) {
    const auto other = create(wish("other", ""));
    ASSERT_TRUE(house.becomes(other, ready));
    const auto id = create(wish("d", "", 2, 2));
    ASSERT_TRUE(house.becomes(id, ready));
    EXPECT_EQ(house.get(id).size, 1u);
    house.remove(other);
    EXPECT_EQ(ready_with(id, 2).error_message, std::nullopt);
}

TEST_F(Replicas, ARuntimeThatIsGoneIsSaid) {
    const auto id = create(wish("d", ""));
    ready_with(id, 1);
    house.end();
    house.driver.lose_power();
    house.runtimes.all.erase(house.runtimes.all.begin());
    house.begin();
    house.reconcile();
    ASSERT_TRUE(house.becomes(id, error));
    EXPECT_THAT(*house.get(id).error_message, HasSubstr("its runtime 'llama.cpp' is not among those that Meridian was started with"));
}

}  // namespace
}  // namespace meridian::inference
