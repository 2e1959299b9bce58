// What both networks promise: the shared tests run on sockets and on pipes in virtual time.
#include "base/net.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <filesystem>
#include <functional>
#include <numeric>

#include "base/real/real.h"
#include "base/sim/world.h"

namespace meridian {
namespace {

using namespace std::chrono_literals;

// Where a test runs: a network, an executor, and how to run a task there.
struct Place {
    Network& network;
    Executor executor;
    Address at, unix_at;
    std::function<void(Task<>)> run;
};
using Story = Task<> (*)(Place&);

class BothNetworks : public testing::Test {
protected:
    BothNetworks() {
        auto pattern = (std::filesystem::temp_directory_path() / "meridian-net-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
    }
    ~BothNetworks() override { std::filesystem::remove_all(directory); }

    void on_both(Story story) {
        {
            SCOPED_TRACE("sockets");
            real::Loops loops(1);
            real::SocketNetwork network;
            loops.start();
            Place place{network, loops.executor(0), *Address::parse("127.0.0.1:0"), *Address::parse("unix:" + directory + "/s"),
                        [&](Task<> task) { loops.wait(loops.executor(0), std::move(task)); }};
            place.run(story(place));
        }
        SCOPED_TRACE("pipes");
        sim::World world(1);
        Place place{world.network(), world.executor(), *Address::parse("127.0.0.1:0"), *Address::parse("unix:/s"),
                    [&](Task<> task) { world.run(std::move(task)); }};
        place.run(story(place));
    }

    std::string directory;
};

Task<> echo(std::unique_ptr<Stream> stream) {
    char buffer[4096];
    for (;;) {
        const auto got = co_await stream->read_some(buffer);
        if (!got) co_return;
        if (!co_await stream->write(std::string_view(buffer, *got))) co_return;
    }
}

Task<> echo_all(Listener& listener, TaskGroup& group) {
    for (;;) {
        auto stream = co_await listener.accept();
        if (!stream) co_return;
        group.spawn("echo", echo(std::move(*stream)));
    }
}

Task<std::string> read_exactly(Stream& stream, std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t have = 0; have < count;) {
        const auto got = co_await stream.read_some(std::span(text).subspan(have));
        if (!got) co_return "error: " + got.error().message();
        have += *got;
    }
    co_return text;
}

Task<> say_and_hear(Place& place, Address at) {
    const auto listener = *place.network.listen(place.executor, at);
    TaskGroup group(place.executor);
    group.spawn("accept", echo_all(*listener, group));
    auto stream = co_await place.network.connect(listener->local(), 5s);
    EXPECT_TRUE(stream) << stream.error().message();
    const std::string_view parts[] = {"hello", "", ", ", "world"};
    EXPECT_EQ(co_await (*stream)->write(parts), IoResult<std::size_t>(12));
    const auto heard = co_await read_exactly(**stream, 12);
    EXPECT_EQ(heard, "hello, world");
    EXPECT_EQ((*stream)->peer(), listener->local());
    EXPECT_TRUE((*stream)->is_open());
    (*stream)->close();
    EXPECT_FALSE((*stream)->is_open());
    listener->close();
    co_await group.join();
}

TEST_F(BothNetworks, EchoOverTcp) {
    on_both([](Place& place) { return say_and_hear(place, place.at); });
}
TEST_F(BothNetworks, EchoOverAUnixSocket) {
    on_both([](Place& place) { return say_and_hear(place, place.unix_at); });
}

Task<> say_much(Stream& stream, const std::string& text) {
    const auto third = text.size() / 3;
    const std::string_view parts[] = {std::string_view(text).substr(0, third), std::string_view(text).substr(third)};
    const auto written = co_await stream.write(parts);
    EXPECT_EQ(written, IoResult<std::size_t>(text.size()));
}

// Lets everything that is ready happen.
Task<> others_run() {
    for (int i = 0; i < 100; ++i) co_await asio::post(asio::use_awaitable);
}

Task<> back_pressure(Place& place) {
    const auto listener = *place.network.listen(place.executor, place.at);
    auto near = *co_await place.network.connect(listener->local(), 5s);
    auto far = *co_await listener->accept();
    std::string text;
    text.resize(20'000'000);
    std::iota(text.begin(), text.end(), '\0');
    TaskGroup group(place.executor);
    group.spawn("say", say_much(*near, text));
    co_await others_run();
    EXPECT_EQ(group.running(), 1u) << "nobody reads, so the writer waits";
    const auto heard = co_await read_exactly(*far, text.size());
    EXPECT_TRUE(heard == text);
    co_await group.join();
}

TEST_F(BothNetworks, AWriterWaitsForItsReader) { on_both(back_pressure); }

Task<> endings(Place& place) {
    const auto listener = *place.network.listen(place.executor, place.at);
    auto near = *co_await place.network.connect(listener->local(), 5s);
    auto far = *co_await listener->accept();
    EXPECT_EQ(co_await near->write("last words"), IoResult<std::size_t>(10));
    near.reset();
    const auto words = co_await read_exactly(*far, 10);
    EXPECT_EQ(words, "last words");
    char byte[1];
    const auto end = co_await far->read_some(byte);
    EXPECT_EQ(end.error(), asio::error::eof);
}

TEST_F(BothNetworks, TheReaderSeesTheEndBehindTheLastBytes) { on_both(endings); }

Task<> read_into(Stream& stream, std::optional<ErrorCode>& outcome) {
    char byte[1];
    const auto got = co_await stream.read_some(byte);
    outcome = got ? ErrorCode() : got.error();
}
Task<> accept_into(Listener& listener, std::optional<ErrorCode>& outcome) {
    const auto got = co_await listener.accept();
    outcome = got ? ErrorCode() : got.error();
}

Task<> closing(Place& place) {
    const auto listener = *place.network.listen(place.executor, place.at);
    auto near = *co_await place.network.connect(listener->local(), 5s);
    auto far = *co_await listener->accept();
    std::optional<ErrorCode> read, accepted, cancelled;
    TaskGroup group(place.executor), other(place.executor);
    group.spawn("read", read_into(*near, read));
    group.spawn("accept", accept_into(*listener, accepted));
    other.spawn("read", read_into(*far, cancelled));
    co_await others_run();
    other.cancel();
    co_await other.join();
    EXPECT_EQ(cancelled, ErrorCode(asio::error::operation_aborted));
    near->close();
    listener->close();
    co_await group.join();
    EXPECT_EQ(read, ErrorCode(asio::error::operation_aborted));
    EXPECT_EQ(accepted, ErrorCode(asio::error::operation_aborted));
}

TEST_F(BothNetworks, ClosingAndCancellingEndWhatWaits) { on_both(closing); }

Task<> nobody_there(Place& place) {
    auto listener = *place.network.listen(place.executor, place.at);
    const auto at = listener->local();
    listener.reset();
    const auto stream = co_await place.network.connect(at, 5s);
    EXPECT_EQ(stream.error(), asio::error::connection_refused);
}

TEST_F(BothNetworks, RefusesWhereNobodyListens) { on_both(nobody_there); }

Task<> sharing(Place& place) {
    const auto first = *place.network.listen(place.executor, place.at);
    const auto second = place.network.listen(place.executor, first->local());
    EXPECT_TRUE(second) << second.error().message();
    if (second) EXPECT_EQ((*second)->local(), first->local());
    const auto local = *place.network.listen(place.executor, place.unix_at);
    EXPECT_EQ(place.network.listen(place.executor, place.unix_at).error(), asio::error::address_in_use);
    co_return;
}

TEST_F(BothNetworks, TcpListenersShareAnAddressAndUnixListenersDoNot) { on_both(sharing); }

Task<> lookups(Place& place) {
    const auto numeric = co_await place.network.resolve("192.0.2.7");
    EXPECT_EQ(numeric.value(), std::vector{asio::ip::make_address("192.0.2.7")});
    const auto here = co_await place.network.resolve("localhost");
    EXPECT_TRUE(here && !here->empty() && here->front().is_loopback());
    EXPECT_FALSE(co_await place.network.resolve("no such host.invalid"));
}

TEST_F(BothNetworks, ResolveNumbersAndNames) { on_both(lookups); }

TEST_F(BothNetworks, AStaleUnixSocketIsReplacedAndAFileIsNot) {
    real::Loops loops(1);
    real::SocketNetwork network;
    const auto at = *Address::parse("unix:" + directory + "/s");
    {
        const auto dead = *network.listen(loops.executor(0), at);
    }
    EXPECT_TRUE(std::filesystem::exists(directory + "/s"));
    EXPECT_TRUE(network.listen(loops.executor(0), at));
    real::PosixDisk disk;
    ASSERT_TRUE(disk.replace_file(directory + "/file", "precious"));
    EXPECT_EQ(network.listen(loops.executor(0), *Address::parse("unix:" + directory + "/file")).error(), asio::error::address_in_use);
    EXPECT_EQ(network.listen(loops.executor(0), *Address::parse("unix:/" + std::string(200, 'x'))).error(), asio::error::name_too_long);
}

Task<Duration> time_to_echo(sim::World& world, Address at) {
    const auto before = world.clock().steady();
    auto stream = *co_await world.network().connect(at, 5s);
    EXPECT_TRUE(co_await stream->write("x"));
    co_await read_exactly(*stream, 1);
    co_return world.clock().steady() - before;
}
Task<ErrorCode> try_to_connect(Network& network, Address at, Duration limit) {
    const auto stream = co_await network.connect(at, limit);
    co_return stream ? ErrorCode() : stream.error();
}

TEST(SimNetwork, TakesTheTimeThatItsLatencySays) {
    sim::World world(1);
    TaskGroup group(world.executor());
    const auto at = *Address::parse("10.0.0.1:80");
    const auto listener = *world.network().listen(world.executor(), at);
    group.spawn("accept", echo_all(*listener, group));
    world.network().set_latency(10ms);
    EXPECT_EQ(world.run(time_to_echo(world, at)), Duration(40ms));
    EXPECT_EQ(world.run(try_to_connect(world.network(), at, 19ms)), asio::error::timed_out);
    listener->close();
    world.run(group.join());
}

TEST(SimNetwork, ACutBreaksConnectionsAndRefusesNewOnesUntilItHeals) {
    sim::World world(1);
    TaskGroup group(world.executor());
    const auto at = *Address::parse("10.0.0.1:80");
    const auto listener = *world.network().listen(world.executor(), *Address::parse("0.0.0.0:80"));
    group.spawn("accept", echo_all(*listener, group));
    const auto stream = world.run(world.network().connect(at, 1s)).value();
    std::optional<ErrorCode> read;
    group.spawn("read", read_into(*stream, read));
    world.run_for(1s);
    world.network().cut(at);
    world.run_for(1s);
    EXPECT_EQ(read, ErrorCode(asio::error::connection_reset));
    EXPECT_EQ(world.run(try_to_connect(world.network(), at, 1s)), asio::error::connection_refused);
    world.network().heal(at);
    EXPECT_EQ(world.run(try_to_connect(world.network(), at, 1s)), ErrorCode());
    listener->close();
    world.run(group.join());
}

TEST(SimNetwork, AnswersTheNamesItWasGiven) {
    sim::World world(1);
    const std::vector addresses{asio::ip::make_address("10.0.0.1"), asio::ip::make_address("::2")};
    world.network().name("a.example", addresses);
    EXPECT_EQ(world.run(world.network().resolve("a.example")).value(), addresses);
}

TEST(Address, ReadsWhatItWrites) {
    for (const auto* text : {"127.0.0.1:80", "[::1]:80", "unix:/run/x", "0.0.0.0:0", "[fe80::1]:65535"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->str(), text);
    }
    EXPECT_EQ(Address::parse("localhost:80"), Address::parse("127.0.0.1:80"));
    for (const auto* text : {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x", "::1:80",
                             "[127.0.0.1]:80", "example.com:80", "unix:", "[::1]80"})
        EXPECT_FALSE(Address::parse(text)) << text;
}

}  // namespace
}  // namespace meridian
