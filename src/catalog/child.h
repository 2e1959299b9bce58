// A short-lived child program: started, watched, and ended with everything it started when it runs too long.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"

namespace meridian::catalog {

struct ChildCommand {
    std::string program;  // looked for in PATH
    std::vector<std::string> arguments;
    std::vector<std::string> environment;  // all of it: nothing is inherited
    std::string input = {};                // what it reads from standard input
    std::chrono::milliseconds time_max{600'000};
    std::chrono::milliseconds look_every{100};
    std::function<bool()> look;  // called now and then; false ends the child
};
struct ChildEnd {
    enum class How { exited, killed, timed_out, stopped };
    How how = How::exited;
    int code = 0;      // exit status or signal
    std::string said;  // the last part of what it wrote to standard output and standard error
};
// Blocking. The diagnostic says why it could not be started.
expected<ChildEnd> run_child(const ChildCommand& command);

}  // namespace meridian::catalog
