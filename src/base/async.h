// Coroutines, and the few ways in which they wait: a pool for blocking work, a group that owns spawned tasks, an event.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/time.h"

namespace meridian {

namespace asio = boost::asio;

template <class T = void>
using Task = asio::awaitable<T>;
using Executor = asio::any_io_executor;

// Where blocking work goes (database, files, engines). A simulation gives one that runs jobs on its own single thread.
class Pool {
public:
    virtual ~Pool() = default;
    virtual void post(std::move_only_function<void()> job) = 0;
};

// Runs `f` on the pool and resumes the caller on its own executor with what `f` returned or threw.
template <class F>
auto on(Pool& pool, F f) -> Task<std::invoke_result_t<F&>> {
    using Result = std::invoke_result_t<F&>;
    constexpr bool is_void = std::is_void_v<Result>;
    using Slot = std::conditional_t<is_void, std::monostate, std::optional<Result>>;
    struct Outcome {
        Slot value;
        std::exception_ptr error;
    };
    auto outcome = std::make_shared<Outcome>();
    auto back = co_await asio::this_coro::executor;
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [&pool, outcome, back](auto handler, F work) mutable {
            auto done = std::make_shared<asio::any_completion_handler<void()>>(std::move(handler));
            pool.post([outcome, back, done, work = std::move(work)]() mutable {
                try {
                    if constexpr (is_void)
                        work();
                    else
                        outcome->value.emplace(work());
                } catch (...) {  // carried to the awaiting coroutine, which rethrows it
                    outcome->error = std::current_exception();
                }
                asio::post(back, [done] { std::move (*done)(); });
            });
        },
        asio::use_awaitable, std::move(f));
    if (outcome->error) std::rethrow_exception(outcome->error);
    if constexpr (!is_void) co_return std::move(*outcome->value);
}

// Owns what it spawns: cancels it, waits for it. The only spawner in the program besides a server's accept loops.
// All members are called on the group's executor, save `cancel`, which may come from anywhere.
class TaskGroup {
public:
    explicit TaskGroup(Executor executor);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();  // asserts that everything was joined

    // An exception that leaves `task` is logged under `name`; it does not end the others.
    void spawn(std::string name, Task<> task);
    void cancel();
    // Ends when every task has ended. New tasks may be spawned meanwhile.
    Task<> join();
    [[nodiscard]] std::size_t running() const;
    [[nodiscard]] const Executor& executor() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

// Wakes waiting coroutines. `notify` may come from any thread; a notification with nobody waiting is remembered once.
class Event {
public:
    explicit Event(Executor executor);
    void notify();
    // True when notified, false when `limit` passed on `clock` first.
    Task<bool> wait(Clock& clock, Duration limit);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace meridian
