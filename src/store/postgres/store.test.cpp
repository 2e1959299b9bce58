// PostgreSQL's own days: several processes on one database, servers that go and come, connections that break at the worst moment.
#include "store/postgres/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "base/real/real.h"
#include "store/follower.h"
#include "store/postgres/relay.h"
#include "store/private_postgres.h"

namespace meridian::store {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds patience{60};  // that a state may take on a crowded machine

template <class F>
bool becomes(F claim) {
    for (const auto until = std::chrono::steady_clock::now() + patience; !claim();) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

void put(Tx& tx, const std::string& name) {
    tx.run("insert into settings (name, value) values ($1, 'x')", name);
    tx.changed("settings", name);
}

std::multiset<std::string> names(Store& store) {
    return store.read_now([](Tx& tx) {
        std::multiset<std::string> found;
        for (const Row& row : tx.query("select name from settings")) found.insert(row.get<std::string>("name"));
        return found;
    });
}

struct PostgresStore : testing::Test {
    PrivatePostgres& server = PrivatePostgres::here();
    std::string url = server.new_database();
    real::WallClock clock;
    real::ThreadPool pool{1};

    // As another process would have it.
    std::unique_ptr<Store> open(const std::string& at, std::span<const Migration> all = migrations("control")) {
        auto opened = postgres::open(clock, pool, {.url = at}, all);
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }
    std::string why_not(const std::string& at, std::span<const Migration> all = migrations("control")) {
        const auto opened = postgres::open(clock, pool, {.url = at}, all);
        return opened ? "it opened" : opened.error().said;
    }
    static Error refused(Store& store, const std::function<void(Tx&)>& f) {
        try {
            store.write_now(f);
        } catch (const Error& e) {
            return e;
        }
        return Error(Fault::bug, "it was written");
    }
};

TEST_F(PostgresStore, GivesRevisionsWithoutGapsToSeveralProcesses) {
    constexpr int processes = 3, each = 40;
    {
        std::vector<std::jthread> threads;
        for (int p = 0; p < processes; ++p)
            threads.emplace_back([&, p] {
                const auto store = open(url);  // at once: they migrate together
                for (int i = 0; i < each; ++i) store->write_now([&](Tx& tx) { put(tx, fmt::format("{}-{}", p, i)); });
            });
    }
    const auto store = open(url);
    EXPECT_EQ(names(*store).size(), std::size_t{processes * each});
    const auto changes = store->changes_since(0, 10'000);
    ASSERT_EQ(changes.size(), std::size_t{processes * each});
    for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(changes[i].revision, static_cast<Revision>(i + 1));
    EXPECT_EQ(store->integrity(), "ok");
}

TEST_F(PostgresStore, WritesOfAnotherProcessSeeEachOtherWhole) {
    const auto one = open(url), other = open(url);
    one->write_now([](Tx& tx) { tx.run("insert into settings (name, value) values ('count', '0')"); });
    {
        std::vector<std::jthread> threads;
        for (auto* store : {one.get(), other.get()})
            threads.emplace_back([store] {
                for (int i = 0; i < 50; ++i)
                    store->write_now([](Tx& tx) {
                        const auto was =
                            std::stoi(tx.query("select value from settings where name = 'count'").at(0).get<std::string>("value"));
                        tx.run("update settings set value = $1 where name = 'count'", std::to_string(was + 1));
                    });
            });
    }
    EXPECT_EQ(one->read_now([](Tx& tx) { return tx.query("select value from settings").at(0).get<std::string>("value"); }), "100");
}

TEST_F(PostgresStore, WakesFollowersInOtherProcesses) {
    boost::asio::thread_pool loop(1);
    const auto writer = open(url), reader = open(url);
    Follower<std::multiset<std::string>> settings(*reader, {"settings"}, [&](Tx& tx) {
        std::multiset<std::string> found;
        for (const Row& row : tx.query("select name from settings")) found.insert(row.get<std::string>("name"));
        return found;
    });
    settings.refresh();
    settings.follow(loop.get_executor());
    std::atomic<Revision> any = 0, others = 0;
    const auto any_token = reader->feed().listen(loop.get_executor(), {}, [&](Revision r) { any = r; });
    const auto other_token = reader->feed().listen(loop.get_executor(), {"nodes"}, [&](Revision r) { others = r; });
    for (int i = 1; i <= 20; ++i) {
        writer->write_now([&](Tx& tx) { put(tx, std::to_string(i)); });
        EXPECT_TRUE(becomes([&] { return settings.now()->contains(std::to_string(i)); }));
    }
    EXPECT_TRUE(becomes([&] { return any == 20; }));
    EXPECT_EQ(others, 0) << "of another topic";
    writer->write_now([](Tx& tx) { tx.run("update settings set value = 'y'"); });
    EXPECT_TRUE(becomes([&] { return any == 21; })) << "a change of no topic";
    loop.stop();
}

TEST_F(PostgresStore, MakesUpForNotificationsThatWereMissed) {
    boost::asio::thread_pool loop(1);
    Relay way(url);
    const auto writer = open(url), reader = open(way.url());
    std::atomic<Revision> nodes = 0, any = 0;
    const auto token = reader->feed().listen(loop.get_executor(), {"nodes"}, [&](Revision r) { nodes = r; });
    const auto any_token = reader->feed().listen(loop.get_executor(), {}, [&](Revision r) { any = r; });
    way.cut();
    ASSERT_TRUE(becomes(
        [&] { return server.column(url, "select pid::text as pid from pg_stat_activity where query like 'listen%'").size() <= 1; }));
    writer->write_now([](Tx& tx) { tx.changed("nodes", "1"); });
    writer->write_now([](Tx& tx) { tx.changed("models", "1"); });
    EXPECT_EQ(refused(*reader, [](Tx& tx) { put(tx, "a"); }).fault, Fault::unavailable);
    EXPECT_EQ(nodes, 0);
    way.heal();
    EXPECT_TRUE(becomes([&] { return nodes == 1 && any == 2; }));
    loop.stop();
}

TEST_F(PostgresStore, WakesEverybodyWhenTheFeedDoesNotReachBack) {
    boost::asio::thread_pool loop(1);
    Relay way(url);
    const auto writer = open(url), reader = open(way.url());
    std::atomic<Revision> models = 0;
    const auto token = reader->feed().listen(loop.get_executor(), {"models"}, [&](Revision r) { models = r; });
    way.cut();
    ASSERT_TRUE(becomes([&] { return refused(*reader, [](Tx&) {}).fault == Fault::unavailable; }));
    for (int i = 0; i < 3; ++i) writer->write_now([](Tx& tx) { tx.changed("models", "1"); });
    server.script(url, "delete from changes where revision < 3; delete from revisions where revision < 3");
    way.heal();
    EXPECT_TRUE(becomes([&] { return models == 3; }));
    loop.stop();
}

TEST_F(PostgresStore, SavesNothingWhenTheConnectionDiesInATransaction) {
    const auto store = open(url);
    int runs = 0;
    const auto error = refused(*store, [&](Tx& tx) {
        ++runs;
        put(tx, "lost");
        const auto mine = tx.query("select pg_backend_pid() as pid").at(0).get<std::int64_t>("pid");
        server.script(url, fmt::format("select pg_terminate_backend({}, 60000)", mine));
        put(tx, "never");
    });
    EXPECT_EQ(error.fault, Fault::unavailable);
    EXPECT_THAT(error.said, HasSubstr("Try again in a moment."));
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(names(*store).empty());
    store->write_now([](Tx& tx) {
        EXPECT_EQ(tx.revision(), 1);
        put(tx, "a");
    });
    EXPECT_EQ(names(*store), std::multiset<std::string>{"a"});
}

TEST_F(PostgresStore, SavesNothingWhenTheFunctionKeepsALostConnectionToItself) {
    const auto store = open(url);
    const auto error = refused(*store, [&](Tx& tx) {
        put(tx, "lost");
        const auto mine = tx.query("select pg_backend_pid() as pid").at(0).get<std::int64_t>("pid");
        server.script(url, fmt::format("select pg_terminate_backend({}, 60000)", mine));
        EXPECT_THROW(put(tx, "never"), Error);
    });
    EXPECT_EQ(error.fault, Fault::unavailable);
    EXPECT_TRUE(names(*store).empty());
}

TEST_F(PostgresStore, SaysNotSavedWhenTheServerGivesUpAtTheCommit) {
    open(url);
    server.script(url,
                  "create function end_it() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); "
                  "perform pg_sleep(60); return null; end $$; create constraint trigger at_commit after insert on settings deferrable "
                  "initially deferred for each row execute function end_it()");
    const auto store = open(url);
    const auto error = refused(*store, [](Tx& tx) { put(tx, "a"); });
    EXPECT_EQ(error.fault, Fault::unavailable);
    EXPECT_THAT(error.said, HasSubstr("nothing was saved"));
    EXPECT_TRUE(names(*store).empty());
    server.script(url, "drop trigger at_commit on settings");
    store->write_now([](Tx& tx) { put(tx, "a"); });
    EXPECT_EQ(names(*store).size(), 1u);
}

TEST_F(PostgresStore, FindsOutWhetherACommitWithoutAnAnswerWasMade) {
    Relay way(url);
    const auto store = open(way.url()), other = open(url);
    boost::asio::thread_pool loop(1);
    std::atomic<Revision> seen = 0;
    const auto token = store->feed().listen(loop.get_executor(), {"settings"}, [&](Revision r) { seen = r; });
    int runs = 0;
    way.lose(Relay::Lose::answer_of_commit);
    store->write_now([&](Tx& tx) {
        ++runs;
        put(tx, "kept");
    });
    EXPECT_TRUE(way.has_lost());
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(names(*other), std::multiset<std::string>{"kept"});
    EXPECT_TRUE(becomes([&] { return seen == 1; }));

    way.lose(Relay::Lose::commit);
    const auto error = refused(*store, [&](Tx& tx) { put(tx, "gone"); });
    EXPECT_TRUE(way.has_lost());
    EXPECT_EQ(error.fault, Fault::unavailable);
    EXPECT_THAT(error.said, HasSubstr("nothing was saved"));
    EXPECT_EQ(names(*other), std::multiset<std::string>{"kept"});
    other->write_now([](Tx& tx) { EXPECT_EQ(tx.revision(), 2); });
    loop.stop();
}

TEST_F(PostgresStore, SaysThatTheServerIsStoppedAndGoesOnWhenItIsBack) {
    const auto store = open(url);
    store->write_now([](Tx& tx) { put(tx, "before"); });
    server.stop();
    int runs = 0;
    for (int i = 0; i < 3; ++i) {
        const auto error = refused(*store, [&](Tx&) { ++runs; });
        EXPECT_EQ(error.fault, Fault::unavailable);
        EXPECT_EQ(error.said, "The database cannot be reached, so nothing was done. Try again in a moment.");
        EXPECT_TRUE(error.retry_after);
        EXPECT_THROW(names(*store), Error);
    }
    EXPECT_EQ(runs, 0);
    EXPECT_THAT(store->integrity(), HasSubstr("the last one"));
    server.start();
    EXPECT_TRUE(becomes([&] { return refused(*store, [](Tx& tx) { put(tx, "after"); }).said == "it was written"; }));
    EXPECT_EQ(names(*store), (std::multiset<std::string>{"after", "before"}));
}

// What each writer was told, and what is there in the end.
struct Told {
    std::mutex mutex;
    std::multiset<std::string> saved;
    std::set<std::string> sentences;
    std::size_t count() {
        const std::lock_guard lock(mutex);
        return saved.size();
    }
    void write(Store& store, const std::string& name) {
        try {
            store.write_now([&](Tx& tx) { put(tx, name); });
            const std::lock_guard lock(mutex);
            saved.insert(name);
        } catch (const Error& e) {
            {
                const std::lock_guard lock(mutex);
                EXPECT_EQ(e.fault, Fault::unavailable) << e.said << " / " << e.logged;
                sentences.insert(e.said);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // as somebody who tries again
        }
    }
};

// Returns when each store has found its way back: one that was refused lately is told so at once for a moment more.
void write_through(Told& told, const std::vector<Store*>& stores, const std::function<void()>& bad_days) {
    std::atomic<bool> is_over = false;
    std::vector<std::jthread> threads;
    for (std::size_t s = 0; s < stores.size(); ++s)
        threads.emplace_back([&, s] {
            for (int i = 0; !is_over; ++i) told.write(*stores[s], fmt::format("{}-{}", s, i));
        });
    bad_days();
    is_over = true;
    threads.clear();
    for (auto* store : stores)
        EXPECT_TRUE(becomes([&] {
            try {
                names(*store);
                return true;
            } catch (const Error&) {
                return false;
            }
        }));
}

TEST_F(PostgresStore, KeepsEveryAcknowledgedWriteOverRestartsOfTheServer) {
    const auto one = open(url), other = open(url);
    Told told;
    write_through(told, {one.get(), other.get()}, [&] {
        for (int day = 0; day < 4; ++day) {
            const auto before = told.count();
            EXPECT_TRUE(becomes([&] { return told.count() > before + 20; }));
            day % 2 == 0 ? server.stop() : server.kill();
            server.start();
        }
        const auto before = told.count();
        EXPECT_TRUE(becomes([&] { return told.count() > before + 20; }));
    });
    EXPECT_EQ(names(*one), told.saved);
    EXPECT_FALSE(told.sentences.empty());
    for (const auto& said : told.sentences) EXPECT_THAT(said, HasSubstr("Try again in a moment."));
    EXPECT_EQ(one->integrity(), "ok");
    EXPECT_EQ(one->changes_since(0, 1'000'000).size(), told.saved.size());
}

TEST_F(PostgresStore, KeepsEveryAcknowledgedWriteWhileBackendsAreKilled) {
    const auto one = open(url), other = open(url);
    Told told;
    write_through(told, {one.get(), other.get()}, [&] {
        for (int i = 0; i < 40; ++i) {
            const auto before = told.count();
            EXPECT_TRUE(becomes([&] { return told.count() > before + 3; }));
            server.script(
                url,
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        }
    });
    EXPECT_EQ(names(*one), told.saved);
    EXPECT_EQ(other->integrity(), "ok");
    EXPECT_EQ(one->changes_since(0, 1'000'000).size(), told.saved.size());
}

TEST_F(PostgresStore, SaysWhatIsWrongWithADatabase) {
    EXPECT_THAT(why_not(server.new_database("template template0 encoding 'LATIN1' locale 'C'")), HasSubstr("--encoding=UTF8"));
    const auto theirs = server.new_database();
    server.script(theirs, "create table theirs (x bigint)");
    EXPECT_THAT(why_not(theirs), HasSubstr("database of another program"));
    EXPECT_EQ(why_not(url), "it opened");
    EXPECT_THAT(why_not(url, migrations("control").first(1)), HasSubstr("made by a newer Meridian"));
    EXPECT_EQ(why_not(url, migrations("control").first(17)), "it opened") << "the schema says that it may be worked with";
    const auto nobody = why_not("postgres://meridian:pa55@/x?host=/nowhere");
    EXPECT_THAT(nobody, HasSubstr("postgres://meridian@/nowhere/x cannot be opened. The database cannot be reached"));
    EXPECT_THAT(nobody, Not(HasSubstr("pa55")));
    EXPECT_THAT(why_not("mysql://x/y"), HasSubstr("postgres://user@host:5432/meridian"));
}

TEST_F(PostgresStore, LeavesNothingOfAMigrationThatFails) {
    const Migration first{1, "0001_first", "create table revisions (revision bigint, at bigint); create table a (x bigint);"};
    const Migration bad[] = {first, {2, "0002_bad", "insert into a (x) values (8); create table a (y bigint);"}};
    const Migration good[] = {first, {2, "0002_good", "no words of PostgreSQL", "insert into a (x) values (7);"}};
    EXPECT_THAT(why_not(url, bad), HasSubstr("cannot be opened"));
    const auto store = open(url, good);
    EXPECT_EQ(store->read_now([](Tx& tx) { return tx.query("select x from a").at(0).get<int>("x"); }), 7);
}

}  // namespace
}  // namespace meridian::store
