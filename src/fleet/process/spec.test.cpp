#include "fleet/process/spec.h"

#include <gtest/gtest.h>

#include "fleet/process/bounded_log.h"
#include "fleet/process/launcher.h"

#include <filesystem>

namespace meridian::fleet {
namespace {

using Verb = ShimCommand::Verb;

TEST(ShimLines, AreReadAsTheTableSays) {
    struct Row {
        std::string line;
        std::optional<Verb> verb;
        std::uint64_t number = 0;
        std::string token = "";
    };
    const Row rows[] = {
        {"status", Verb::status},
        {"restart", Verb::restart},
        {"leave", Verb::leave},
        {"stop 5000", Verb::stop, 5000},
        {"stop 0", Verb::stop, 0},
        {"claim 7 abc", Verb::claim, 7, "abc"},
        {"", std::nullopt},
        {"status ", std::nullopt},
        {"STATUS", std::nullopt},
        {"stop", std::nullopt},
        {"stop -1", std::nullopt},
        {"stop 99999999999", std::nullopt},
        {"claim 7", std::nullopt},
        {"claim 7 ", std::nullopt},
        {"claim x abc", std::nullopt},
        {"claim 7 a b", std::nullopt},
        {"claim 18446744073709551615 abc", std::nullopt},
        {std::string(300, 'a'), std::nullopt},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.line);
        const auto got = parse_command(row.line);
        ASSERT_EQ(got.has_value(), row.verb.has_value());
        if (!got) continue;
        EXPECT_EQ(got->verb, *row.verb);
        EXPECT_EQ(got->number, row.number);
        EXPECT_EQ(got->token, row.token);
    }
}

TEST(ShimLines, AStatusComesBackAsItWas) {
    const ShimStatus status{.state = ShimState::backing_off,
                            .pid = 0,
                            .restarts = 3,
                            .holder = 12,
                            .layers = {"seccomp", "user-ns"},
                            .detail = "exit status 1: \"x\""};
    EXPECT_EQ(parse_status(to_text(status)), status);
    EXPECT_FALSE(parse_status("{}"));
    EXPECT_FALSE(parse_status(std::string(status_line_max + 1, ' ')));
}

TEST(ShimSpecification, ComesBackAsItWasAndIsChecked) {
    ShimSpec spec;
    spec.id = "x";
    spec.program = "/bin/true";
    spec.arguments = {"a", "b c"};
    spec.token = "t";
    spec.memory_bytes = 1ull << 40;
    spec.cpu_ids = {0, 3};
    spec.gpu_devices = {"/dev/nvidia1"};
    EXPECT_EQ(parse_spec(to_text(spec)), spec);
    spec.program = "true";
    EXPECT_FALSE(parse_spec(to_text(spec))) << "relative programs depend on where we stand";
    spec.program = "/bin/true";
    spec.unclaimed_ms = 0;
    EXPECT_FALSE(parse_spec(to_text(spec)));
    spec.unclaimed_ms = 1;
    spec.arguments = {std::string("a\0b", 3)};
    EXPECT_FALSE(parse_spec(to_text(spec)));
}

TEST(ShimSpecification, PlaceholdersAreFilledAndSecretsKeptOffTheCommandLine) {
    const ReplicaPaths at{"/d/abc"};
    EXPECT_EQ(expanded("--host={socket}", at, "s", Secrets::hidden), "--host=/d/abc/run/s.sock");
    EXPECT_EQ(expanded("{secret_file}{secret_file}", at, "s", Secrets::hidden), "/d/abc/run/secret/d/abc/run/secret");
    EXPECT_EQ(expanded("K={secret}", at, "s", Secrets::shown), "K=s");
    EXPECT_EQ(expanded("{secret}", at, "s", Secrets::hidden), "{secret}");
}

TEST(BoundedLog, TurnsOverOnceItIsFull) {
    char made[] = "/tmp/fleet-log-XXXXXX";
    ASSERT_NE(::mkdtemp(made), nullptr);
    const std::string directory = made;
    {
        BoundedLog log(directory + "/log");
        const std::string megabyte = std::string((1 << 20) - 1, 'x') + "\n";
        for (int i = 0; i < 20; ++i) log.add(megabyte);
        log.add("the last\n\n");
        EXPECT_EQ(log.last_line(), "the last");
        log.add("and \x01\xff more");
        EXPECT_EQ(log.last_line(), "and ?? more");
    }
    EXPECT_LE(std::filesystem::file_size(directory + "/log"), BoundedLog::bytes_max);
    EXPECT_LE(std::filesystem::file_size(directory + "/log.1"), BoundedLog::bytes_max);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace meridian::fleet
