#include "mail_hook.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "catalog/child.h"

namespace meridian::app {
namespace {

constexpr std::size_t at_once = 4;
constexpr std::chrono::seconds time_max{20};
constexpr std::size_t said_max = 300;  // of what the program wrote

expected<void> send_now(const std::string& program, std::string message, const std::atomic<bool>& is_stopped) {
    if (is_stopped) return complaint("Meridian stops");
    catalog::ChildCommand command{.program = program,
                                  .arguments = {"-t", "-i"},
                                  .environment = {},
                                  .input = std::move(message),
                                  .time_max = time_max,
                                  .look = [&is_stopped] { return !is_stopped; }};
    for (const auto* name : {"PATH", "HOME"})
        if (const char* value = std::getenv(name)) command.environment.push_back(std::string(name) + "=" + value);
    const auto end = catalog::run_child(command);
    if (!end) return complaint(fmt::format("{} cannot be run: {}", program, end.error().said));
    if (end->how == catalog::ChildEnd::How::exited && end->code == 0) return {};
    auto said = end->said.substr(end->said.size() - std::min(said_max, end->said.size()));
    std::ranges::replace_if(said, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
    switch (end->how) {
        case catalog::ChildEnd::How::exited:
            return complaint(fmt::format("{} ended with {}: {}", program, end->code, said));
        case catalog::ChildEnd::How::killed:
            return complaint(fmt::format("{} was killed by signal {}", program, end->code));
        case catalog::ChildEnd::How::timed_out:
            return complaint(fmt::format("{} did not end within {} seconds", program, time_max.count()));
        case catalog::ChildEnd::How::stopped:
            return complaint(fmt::format("{} was ended, for Meridian stops", program));
    }
    std::unreachable();
}

}  // namespace

MailHook::MailHook(std::string program) : program_(std::move(program)), pool_(at_once) {}

Task<expected<void>> MailHook::send(std::string message) {
    co_return co_await on(pool_,
                          [this, message = std::move(message)]() mutable { return send_now(program_, std::move(message), is_stopped_); });
}

}  // namespace meridian::app
