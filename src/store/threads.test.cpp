// The real disk and real threads: writers queue, readers and backups are never in their way, nobody sees "locked".
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <thread>

#include "base/real/real.h"
#include "store/both.test.h"

namespace meridian::store {
namespace {

class StoreThreads : public testing::TestWithParam<Kind> {
protected:
    std::unique_ptr<Store> open(bool sync_full = true) {
        return Store::open(disk_, clock_, pool_, {.path = directory_.path + "/control/meridian.db", .sync_full = sync_full, .url = url_})
            .value();
    }

    struct Directory {
        std::string path = testing::TempDir() + "/meridian-store-XXXXXX";
        Directory() { MERIDIAN_ASSERT(mkdtemp(path.data()) != nullptr); }
        ~Directory() { std::filesystem::remove_all(path); }
    } const directory_;
    real::PosixDisk disk_;
    real::WallClock clock_;
    real::ThreadPool pool_{1};

private:
    std::string url_ = GetParam() == Kind::postgres ? PrivatePostgres::here().new_database() : std::string();
};
ON_BOTH(StoreThreads);

TEST_P(StoreThreads, WritersReadersListenersAndABackupAtOnce) {
    constexpr int writers = 3, each = 30;
    auto store = open(false);
    boost::asio::thread_pool listeners(2);
    std::atomic<Revision> seen = 0;
    auto token = store->feed().listen(listeners.get_executor(), {}, [&](Revision r) {
        EXPECT_GT(r, seen.load());
        seen = r;
    });
    std::atomic<bool> is_over = false;
    {
        std::vector<std::jthread> readers, threads;
        for (int r = 0; r < 6; ++r)
            readers.emplace_back([&] {
                while (!is_over)
                    store->read_now([](Tx& tx) {
                        const auto count = [&] { return tx.query("select count(*) as n from settings").at(0).get<std::int64_t>("n"); };
                        const auto before = count();
                        EXPECT_EQ(before % 2, 0);  // writers insert two at a time
                        EXPECT_EQ(count(), before);
                    });
            });
        for (int w = 0; w < writers; ++w)
            threads.emplace_back([&, w] {
                for (int i = 0; i < each; ++i)
                    store->write_now([&](Tx& tx) {
                        for (const char* half : {"a", "b"})
                            tx.run("insert into settings (name, value) values ($1, $2)", std::to_string(w * each + i) + half,
                                   std::string(4000, 'v'));
                    });
            });
        const bool is_ours = store->elsewhere().empty();
        for (int b = 0; b < 3; ++b) EXPECT_EQ(store->backup_to(directory_.path + "/copy.db").has_value(), is_ours);
        threads.clear();
        is_over = true;
    }
    listeners.join();
    EXPECT_EQ(seen, writers * each);
    token.reset();
    EXPECT_EQ(store->integrity(), "ok");
    store.reset();
    store = open();
    EXPECT_EQ(store->read_now([](Tx& tx) { return tx.query("select name from settings").size(); }), 2u * writers * each);
    if (GetParam() == Kind::postgres) return;  // a backup is a file of ours
    auto copy = Store::open(disk_, clock_, pool_, OpenOptions{.path = directory_.path + "/copy.db"}).value();
    EXPECT_EQ(copy->integrity(), "ok");
}

TEST_P(StoreThreads, AfterATokenDiedNobodyIsInItsListener) {
    auto store = open(false);
    boost::asio::thread_pool listeners(1);
    for (int i = 0; i < 100; ++i) {
        auto inside = std::make_unique<std::atomic<int>>(0);  // touched after its end if the claim is wrong
        auto token = store->feed().listen(listeners.get_executor(), {}, [raw = inside.get()](Revision) {
            ++*raw;
            for (int spin = 0; spin < 100; ++spin) std::this_thread::yield();
            --*raw;
        });
        store->write_now([](Tx& tx) { tx.changed("a", "b"); });
        token.reset();
        EXPECT_EQ(*inside, 0);
    }
    listeners.join();
}

}  // namespace
}  // namespace meridian::store
