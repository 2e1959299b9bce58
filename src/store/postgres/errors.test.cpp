#include "store/postgres/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgres/server.h"

namespace meridian::store::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PostgresErrors, AreFaultsWithASentence) {
    struct Row {
        std::string_view sqlstate;
        Fault fault;
        std::string_view said;
    };
    for (const auto& [sqlstate, fault, said] :
         {Row{"23505", Fault::conflict, "There is already one"}, Row{"23503", Fault::conflict, "refers to"},
          Row{"23502", Fault::bug, "refused a statement"}, Row{"42P01", Fault::bug, "refused a statement"},
          Row{"53100", Fault::unavailable, "disk is full"}, Row{"53300", Fault::unavailable, "no resources left"},
          Row{"57P01", Fault::unavailable, "stopping or starting"}, Row{"57P03", Fault::unavailable, "stopping or starting"},
          Row{"57014", Fault::unavailable, "took too long"}, Row{"58030", Fault::unavailable, "its disk"},
          Row{"25006", Fault::unavailable, "read-only"}, Row{"55P03", Fault::busy, "busy"}, Row{"40001", Fault::busy, "busy"},
          Row{"40P01", Fault::busy, "busy"}, Row{"28P01", Fault::unavailable, "user or the password"},
          Row{"22021", Fault::invalid, "zero byte"}, Row{"54000", Fault::too_large, "too large"}}) {
        const auto error = error_of(sqlstate, "message", "select 1");
        EXPECT_EQ(error.fault, fault) << sqlstate;
        EXPECT_THAT(error.said, HasSubstr(std::string(said))) << sqlstate;
        EXPECT_THAT(error.logged, HasSubstr(std::string(sqlstate)));
    }
}

TEST(PostgresErrors, LogNoValues) {
    EXPECT_THAT(error_of("22P02", "invalid input syntax for type bigint: \"a secret\"", "select 1").logged, Not(HasSubstr("secret")));
}

TEST(PostgresServers, AreShownWithoutTheirPassword) {
    struct Row {
        std::string_view url, shown;
    };
    for (const auto& [url, shown] :
         {Row{"postgres://ada:pa55@db.example:5433/meridian", "postgres://ada@db.example:5433/meridian"},
          Row{"postgresql://db/meridian?password=pa55&user=ada", "postgres://ada@db/meridian"},
          Row{"postgres://ada@/meridian?host=/run/postgresql", "postgres://ada@/run/postgresql/meridian"},
          Row{"postgres://a,b:5432/meridian?target_session_attrs=read-write", "postgres://a,b:,5432/meridian"}}) {
        const auto server = Server::parse(url);
        ASSERT_TRUE(server) << url;
        EXPECT_EQ(server->shown, shown);
        EXPECT_EQ(server->url, url);
    }
    for (const std::string url : {"postgres://ada:pa55%zz@db/meridian", "mysql://ada:pa55@db/meridian", "postgres://ada:pa55@db/m?pa55=1",
                                  "", "postgres://[::1:pa55/x"}) {
        const auto server = Server::parse(url);
        ASSERT_FALSE(server) << url;
        EXPECT_THAT(server.error().said, HasSubstr("postgres://user@host:5432/meridian"));
        EXPECT_THAT(server.error().said, Not(HasSubstr("pa55")));
    }
    EXPECT_FALSE(Server::parse("postgres://db/" + std::string(5000, 'x')));
}

}  // namespace
}  // namespace meridian::store::postgres
