// Tests of the interface run on both databases: TEST_P in a class over OnBoth, and ON_BOTH(class).
#pragma once
#include <gtest/gtest.h>

#include "store/private_postgres.h"
#include "store/testing.h"

namespace meridian::store {

enum class Kind { sqlite, postgres };

class OnBoth : public testing::TestWithParam<Kind> {
protected:
    OnBoth() : url_(GetParam() == Kind::postgres ? PrivatePostgres::here().new_database() : std::string()) {}
    std::unique_ptr<Store> open() {
        auto opened = Store::open(world.disk(), world.clock(), world.pool(), OpenOptions{.path = test_path, .url = url_});
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }
    sim::World world{1};

private:
    std::string url_;
};

#define ON_BOTH(suite)                                                                   \
    INSTANTIATE_TEST_SUITE_P(With, suite, testing::Values(Kind::sqlite, Kind::postgres), \
                             [](const auto& info) { return std::string(info.param == Kind::sqlite ? "SQLite" : "PostgreSQL"); })

}  // namespace meridian::store
