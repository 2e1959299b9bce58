#include "catalog/child.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace meridian::catalog {
namespace {

ChildCommand shell(std::string script) {
    ChildCommand command;
    command.program = "/bin/sh";
    command.arguments = {"-c", std::move(script)};
    command.environment = {"PATH=/usr/bin:/bin"};
    return command;
}

TEST(Child, TellsItsStatusAndWhatItSaid) {
    const auto end = run_child(shell("echo out; echo err >&2; exit 7"));
    ASSERT_TRUE(end) << end.error().said;
    EXPECT_EQ(end->how, ChildEnd::How::exited);
    EXPECT_EQ(end->code, 7);
    EXPECT_EQ(end->said, "out\nerr\n");
}

TEST(Child, InheritsNothing) {
    ::setenv("MERIDIAN_SECRET_KEY", "hidden", 1);
    const auto end = run_child(shell("echo \"[$MERIDIAN_SECRET_KEY]\"; read x || echo no input; ls /proc/self/fd | wc -l"));
    ASSERT_TRUE(end);
    EXPECT_TRUE(end->said.starts_with("[]\nno input\n")) << end->said;
    EXPECT_TRUE(end->said.ends_with("4\n")) << end->said;  // three, and the one ls looks with
}

TEST(Child, ReadsWhatItIsGiven) {
    const std::string long_text(3 * 1024 * 1024, 'x');  // more than a pipe holds
    auto command = shell("read first; echo \"[$first]\"; wc -c");
    command.input = "one line\n" + long_text;
    const auto end = run_child(command);
    ASSERT_TRUE(end) << end.error().said;
    EXPECT_EQ(end->said, "[one line]\n" + std::to_string(long_text.size()) + "\n");
    command.arguments = {"-c", "echo read nothing"};
    EXPECT_EQ(run_child(command)->said, "read nothing\n");
}

TEST(Child, OnlyTheLastPartOfALongSpeechIsKept) {
    const auto end = run_child(shell("i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done; echo the end"));
    ASSERT_TRUE(end);
    EXPECT_LE(end->said.size(), 16u * 1024);
    EXPECT_TRUE(end->said.ends_with("the end\n"));
}

TEST(Child, IsEndedWithEverythingItStartedWhenItRunsTooLong) {
    auto command = shell("sleep 100 & echo $!; sleep 100");
    command.time_max = std::chrono::milliseconds(100);
    const auto end = run_child(command);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, ChildEnd::How::timed_out);
    const auto grandchild = static_cast<pid_t>(std::stol(end->said));
    // It is killed, perhaps not yet reaped by whoever adopted it: a zombie takes no more signals than a dead one, but still has its id.
    for (int i = 0; i < 1000 && ::kill(grandchild, 0) == 0; ++i) {
        const auto state = run_child(shell("cut -d' ' -f3 /proc/" + std::to_string(grandchild) + "/stat"));
        if (state && state->said == "Z\n") break;
        ASSERT_LT(i, 999) << "the grandchild lives on";
    }
}

TEST(Child, EndsWhenItsOwnerSaysSo) {
    auto command = shell("sleep 100");
    command.look_every = std::chrono::milliseconds(1);
    int looks = 0;
    command.look = [&] { return ++looks < 3; };
    const auto end = run_child(command);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, ChildEnd::How::stopped);
    EXPECT_EQ(looks, 3);
}

TEST(Child, ASignalIsToldApartFromAnExit) {
    const auto end = run_child(shell("kill -SEGV $$"));
    ASSERT_TRUE(end);
    EXPECT_EQ(end->how, ChildEnd::How::killed);
    EXPECT_EQ(end->code, SIGSEGV);
}

TEST(Child, AMissingProgramIsADiagnostic) {
    ChildCommand command;
    command.program = "no-such-program-anywhere";
    const auto end = run_child(command);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().said, "No such file or directory");
}

}  // namespace
}  // namespace meridian::catalog
