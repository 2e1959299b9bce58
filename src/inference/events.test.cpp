// The live feed with a client that may be slow, silent, talkative or gone.
#include "inference/events.h"

#include <gmock/gmock.h>

#include <deque>

#include "http/websocket.h"
#include "inference/house.test.h"

namespace meridian::inference {
namespace {

using test::FakeExchange;
using namespace std::chrono_literals;

struct Line {
    explicit Line(sim::World& w) : world(w), heard(w.executor()), taken(w.executor()) {}
    sim::World& world;
    Event heard, taken;
    std::deque<std::string> says;  // what the client sends
    std::vector<Json> told;
    std::optional<std::uint16_t> closed;
    bool is_slow = false, is_gone = false;
};

class FakeSocket final : public http::WebSocket {
public:
    explicit FakeSocket(Line& line) : line_(line) {}
    Task<std::optional<Message>> read() override {
        while (line_.says.empty() && !line_.is_gone && !line_.closed) co_await line_.heard.wait(line_.world.clock(), 1h);
        if (line_.says.empty()) co_return std::nullopt;
        co_return Message{Kind::text, line_.says.front()};
    }
    Task<bool> write(Kind, std::string_view data) override {
        std::string text(data);
        while (line_.is_slow && !line_.is_gone) co_await line_.taken.wait(line_.world.clock(), 1h);
        if (line_.is_gone) co_return false;
        line_.told.push_back(parse_json(text).value());
        co_return true;
    }
    Task<> close(std::uint16_t code, std::string) override {
        line_.closed = code;
        line_.heard.notify();
        co_return;
    }

private:
    Line& line_;
};

class UpgradingExchange final : public http::Exchange {
public:
    explicit UpgradingExchange(Line& line) : line_(line) {}
    http::Request& request() override { return request_; }
    Task<> answer(http::Response) override { co_return; }
    Task<> begin(int, http::Headers) override { co_return; }
    Task<bool> write(std::string_view) override { co_return false; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return false; }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return line_.is_gone; }
    Task<std::unique_ptr<http::WebSocket>> upgrade() override { co_return std::make_unique<FakeSocket>(line_); }

private:
    Line& line_;
    http::Request request_;
};

class EventsTest : public ::testing::Test {
protected:
    ~EventsTest() override {
        events.stop();
        for (auto& client : clients) client->line.heard.notify();
        house.world.run(feeds.join());
    }
    struct Client {
        Client(sim::World& world) : line(world), exchange(line) {}
        Line line;
        UpgradingExchange exchange;
    };
    Line& open(identity::Caller caller) {
        auto& client = *clients.emplace_back(std::make_unique<Client>(house.world));
        client.exchange.caller = std::make_shared<identity::Caller>(std::move(caller));
        feeds.spawn("feed", events.serve(client.exchange));
        house.world.run_for(100ms);
        return client.line;
    }
    Line& open() { return open(house.life->caller); }
    static std::vector<std::string> statuses(const Line& line) {
        std::vector<std::string> out;
        for (const auto& each : line.told) {
            if (each.at("type") == "deployment") out.emplace_back(view(each.at("deployment").at("status").as_string()));
        }
        return out;
    }

    test::House house;
    Events events{*house.life->deployments, *house.life->store, house.world.clock()};
    TaskGroup feeds{house.world.executor()};
    std::vector<std::unique_ptr<Client>> clients;
};

TEST_F(EventsTest, FirstComesWhatIsAndThenWhatChanges) {
    const auto made = house.create("d");
    auto& line = open();
    ASSERT_EQ(statuses(line), std::vector<std::string>{"creating"});
    EXPECT_EQ(line.told.front().at("deployment").at("id"), Json(made.id.str()));
    EXPECT_EQ(line.told.front().at("deployment").at("model_name"), "talk");
    EXPECT_EQ(line.told.front().at("deployment").at("error_message"), nullptr);

    house.reconcile();
    ASSERT_TRUE(house.becomes(made.id, DeploymentState::ready));
    house.world.run_for(1s);
    EXPECT_EQ(statuses(line).back(), "ready");
    const auto count = line.told.size();
    house.world.run_for(20s);
    EXPECT_EQ(line.told.size(), count) << "nothing changed";

    house.remove(made.id);
    house.world.run_for(60s);
    const auto is_removed = [&](const Json& each) {
        return each.at("type") == "deployment_removed" && each.at("id") == Json(made.id.str());
    };
    EXPECT_EQ(std::ranges::count_if(line.told, is_removed), 1);
}

TEST_F(EventsTest, APhaseInWordsIsToldWhileSomethingMoves) {
    const auto made = house.create("d");
    auto& line = open();
    house.life->deployments->phases().set(made.id, {"fetching", 3'000'000, 9'000'000});
    house.world.run_for(2s);
    EXPECT_EQ(line.told.back().at("deployment").at("phase"), "fetching 3.0 of 9.0 MB");
}

TEST_F(EventsTest, ASlowClientGetsTheLatestAndNotEveryStateBetween) {
    const auto made = house.create("d");
    auto& line = open();
    for (int i = 0; i < 500; ++i) {
        if (i == 1) line.is_slow = true;
        house.life->deployments->phases().set(made.id, {std::to_string(i)});
        house.world.run_for(600ms);
    }
    const auto before = line.told.size();
    EXPECT_LE(before, 3u);
    line.is_slow = false;
    line.taken.notify();
    house.world.run_for(2s);
    EXPECT_EQ(line.told.back().at("deployment").at("phase"), "499");
    EXPECT_LE(line.told.size(), before + 2) << "one that was on its way, and the latest";
}

TEST_F(EventsTest, AnotherProjectsDeploymentsAreNotTold) {
    house.create("d");
    auto stranger = house.life->caller;
    stranger.project = ProjectId::random(house.world.rng());
    stranger.reach = stranger.sight = identity::Reach::of({stranger.project});
    EXPECT_TRUE(open(stranger).told.empty());
    EXPECT_EQ(open().told.size(), 1u);
}

TEST_F(EventsTest, AFeedWithoutNewsShowsThatItIsAlive) {
    auto& line = open();
    house.world.run_for(100s);
    ASSERT_EQ(line.told.size(), 3u);
    EXPECT_EQ(line.told.front().at("type"), "alive");
}

TEST_F(EventsTest, AFeedEndsWithItsClientAWordOfItItsTimeOrOurEnd) {
    auto& gone = open();
    auto& talks = open();
    auto& stays = open();
    ASSERT_EQ(feeds.running(), 3u);
    gone.is_gone = true;
    gone.heard.notify();
    talks.says.emplace_back("hello");
    talks.heard.notify();
    house.world.run_for(2s);
    EXPECT_EQ(feeds.running(), 1u);
    EXPECT_FALSE(gone.closed);
    EXPECT_EQ(talks.closed, http::WebSocket::policy_close);
    house.world.run_for(limits::feed_life + 1s);
    EXPECT_EQ(stays.closed, http::WebSocket::normal_close);
    EXPECT_EQ(feeds.running(), 0u);

    auto& last = open();
    events.stop();
    house.world.run_for(1s);
    EXPECT_EQ(last.closed, http::WebSocket::normal_close);
    EXPECT_EQ(feeds.running(), 0u);
}

TEST_F(EventsTest, NoMoreFeedsThanTheLimitAndASeatThatIsFreeIsGivenAgain) {
    for (std::size_t i = 0; i < limits::feeds; ++i) open();
    Client one_more(house.world);
    one_more.exchange.caller = std::make_shared<identity::Caller>(house.life->caller);
    const auto refused = test::error_of(house.world, events.serve(one_more.exchange));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->fault, Fault::busy);
    clients.front()->line.is_gone = true;
    clients.front()->line.heard.notify();
    house.world.run_for(1s);
    house.create("d");
    EXPECT_EQ(open().told.size(), 1u);
}

}  // namespace
}  // namespace meridian::inference
