#include "store/leases.h"

#include <gtest/gtest.h>

#include "store/both.test.h"

namespace meridian::store {
namespace {

using std::chrono::hours;

struct LeaseTest : OnBoth {
    std::unique_ptr<Store> store = open();
    std::optional<Lease> take(std::string_view holder, Duration length = hours(1)) {
        return store->write_now([&](Tx& tx) { return take_lease(tx, "control", holder, length); });
    }
    bool may_write(const Lease& lease) {
        try {
            store->write_now([&](Tx& tx) {
                hold_to(tx, lease);
                tx.run("insert into settings (name, value) values ($1, 'x') on conflict (name) do update set value = 'y'", lease.holder);
            });
            return true;
        } catch (const Error& e) {
            EXPECT_EQ(e.fault, Fault::conflict);
            return false;
        }
    }
};
ON_BOTH(LeaseTest);

TEST_P(LeaseTest, AreOfOneHolderAtATime) {
    const auto one = take("one");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->fence, 1);
    EXPECT_FALSE(take("other"));
    EXPECT_TRUE(may_write(*one));
    store->write_now([&](Tx& tx) { give_up_lease(tx, *one); });
    const auto other = take("other");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->fence, 2);
    EXPECT_FALSE(take("one"));
}

TEST_P(LeaseTest, FenceOffWhoeverWasOvertaken) {
    const auto one = take("one", Duration::zero()).value();  // expired as it was made
    EXPECT_TRUE(may_write(one)) << "nobody has overtaken it yet";
    const auto other = take("other").value();
    EXPECT_GT(other.fence, one.fence);
    EXPECT_FALSE(may_write(one));
    EXPECT_TRUE(may_write(other));
    auto late = one;
    EXPECT_FALSE(store->write_now([&](Tx& tx) { return prolong_lease(tx, late, hours(1)); }));
    store->write_now([&](Tx& tx) { give_up_lease(tx, one); });
    EXPECT_TRUE(may_write(other)) << "who was overtaken gives up nothing of others";
    EXPECT_FALSE(take("one"));
}

TEST_P(LeaseTest, FenceEveryWriteOfAStoreThatIsToldSo) {
    const auto one = take("one", Duration::zero()).value();
    store->fence(one);
    store->write_now([](Tx& tx) { tx.changed("a", "1"); });
    const auto other = store->write_now([](Tx& tx) { return take_lease(tx, "control", "other", hours(1)); });  // as from elsewhere
    ASSERT_TRUE(other);
    int runs = 0;
    EXPECT_THROW(store->write_now([&](Tx&) { ++runs; }), Error);
    EXPECT_THROW(store->outbox_done("a", 1), Error);
    EXPECT_EQ(runs, 0);
    store->fence(*other);
    store->write_now([&](Tx&) { ++runs; });
    EXPECT_EQ(runs, 1);
}

TEST_P(LeaseTest, OfTheSameHolderAreTakenAnew) {
    const auto before = take("one").value(), after = take("one").value();
    EXPECT_FALSE(may_write(before)) << "of a process that has died";
    EXPECT_TRUE(may_write(after));
}

TEST_P(LeaseTest, ArePromisedByTheClockOfTheDatabase) {
    auto lease = take("one", Duration::zero()).value();
    EXPECT_TRUE(store->write_now([&](Tx& tx) { return prolong_lease(tx, lease, hours(1)); }));
    EXPECT_FALSE(take("other"));
    store->read_now([&](Tx& tx) {
        const auto now = tx.now();
        EXPECT_GT(lease.expires_at, now + std::chrono::minutes(30));
        EXPECT_LE(lease.expires_at, now + hours(1));
        EXPECT_EQ(lease_named(tx, "control")->holder, "one");
        EXPECT_FALSE(lease_named(tx, "nothing"));
    });
}

TEST_P(LeaseTest, SayWhereTheirHolderAnswers) {
    auto one = take("one", Duration::zero()).value();
    one.url = "http://192.0.2.1:8080";
    const auto url = [&] { return store->read_now([](Tx& tx) { return lease_named(tx, "control")->url; }); };
    store->write_now([&](Tx& tx) { say_where(tx, one); });
    EXPECT_EQ(url(), one.url);
    ASSERT_TRUE(take("other"));
    EXPECT_EQ(url(), "") << "the next one has not said it yet";
    store->write_now([&](Tx& tx) { say_where(tx, one); });
    EXPECT_EQ(url(), "") << "and who was overtaken does not say it any more";
}

}  // namespace
}  // namespace meridian::store
