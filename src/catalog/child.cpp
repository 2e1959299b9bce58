#include "catalog/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian::catalog {
namespace {

constexpr std::size_t said_max = 16 * 1024;

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

// A file in memory, to be read from its start: nobody waits for a child that does not read.
Descriptor file_of(const std::string& text) {
    Descriptor file(::memfd_create("input", MFD_CLOEXEC));
    std::size_t done = 0;
    while (file.get() >= 0 && done < text.size()) {
        const auto count = ::write(file.get(), text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR) return Descriptor();
        if (count > 0) done += static_cast<std::size_t>(count);
    }
    if (file.get() >= 0 && ::lseek(file.get(), 0, SEEK_SET) < 0) return Descriptor();
    return file;
}

// What posix_spawn is told: an input, one pipe for both outputs, nothing else open, a process group of its own.
class SpawnPlan {
public:
    SpawnPlan(int input, int output) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_adddup2(&actions_, input, 0);
        posix_spawn_file_actions_adddup2(&actions_, output, 1);
        posix_spawn_file_actions_adddup2(&actions_, output, 2);
        posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&attributes_, 0);
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes_, &signals);
        sigaddset(&signals, SIGPIPE);  // we ignore it; the child must not inherit that
        posix_spawnattr_setsigdefault(&attributes_, &signals);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    int start(pid_t& pid, const ChildCommand& command) {
        std::vector<char*> arguments{const_cast<char*>(command.program.c_str())};
        for (const auto& a : command.arguments) arguments.push_back(const_cast<char*>(a.c_str()));
        arguments.push_back(nullptr);
        std::vector<char*> environment;
        for (const auto& e : command.environment) environment.push_back(const_cast<char*>(e.c_str()));
        environment.push_back(nullptr);
        return posix_spawnp(&pid, command.program.c_str(), &actions_, &attributes_, arguments.data(), environment.data());
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

// Reads what is there; false at the end. Keeps the last part.
bool drain(int fd, std::string& said) {
    std::array<char, 4096> piece;
    for (;;) {
        const auto count = ::read(fd, piece.data(), piece.size());
        if (count == 0) return false;
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        said.append(piece.data(), static_cast<std::size_t>(count));
        if (said.size() > said_max) said.erase(0, said.size() - said_max);
    }
}

// Until it ends, runs out of time or `look` says no. The process descriptor becomes readable when it has ended.
ChildEnd::How watch(const ChildCommand& command, int process, int output, int timer, std::string& said) {
    std::array<pollfd, 3> on{{{process, POLLIN, 0}, {timer, POLLIN, 0}, {output, POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(on.data(), on.size(), static_cast<int>(command.look_every.count()));
        if (ready < 0 && errno != EINTR) return ChildEnd::How::stopped;
        if (ready > 0 && on[2].revents != 0 && !drain(output, said)) on[2].fd = -1;  // closed: poll skips it
        if (ready > 0 && on[0].revents != 0) return ChildEnd::How::exited;
        if (ready > 0 && on[1].revents != 0) return ChildEnd::How::timed_out;
        if (command.look && !command.look()) return ChildEnd::How::stopped;
    }
}

}  // namespace

expected<ChildEnd> run_child(const ChildCommand& command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return complaint(std::string("no pipe: ") + std::strerror(errno));
    Descriptor output(ends[0]), outputs(ends[1]);
    const auto input = file_of(command.input);
    if (input.get() < 0) return complaint(std::string("no file in memory: ") + std::strerror(errno));
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    // A kernel timer bounds the child whatever it does; no clock is read here.
    Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    itimerspec limit{};
    const auto whole = std::chrono::floor<std::chrono::seconds>(command.time_max);
    limit.it_value.tv_sec = whole.count();
    limit.it_value.tv_nsec = std::chrono::nanoseconds(command.time_max - whole).count();
    if (::timerfd_settime(timer.get(), 0, &limit, nullptr) != 0) return complaint(std::string("no timer: ") + std::strerror(errno));

    pid_t pid = 0;
    if (const int error = SpawnPlan(input.get(), outputs.get()).start(pid, command))
        return complaint(std::strerror(error), static_cast<std::size_t>(error));
    outputs = Descriptor();
    Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ChildEnd end;
    end.how = process.get() < 0 ? ChildEnd::How::stopped : watch(command, process.get(), output.get(), timer.get(), end.said);
    ::kill(-pid, SIGKILL);  // the group's id is ours until the wait below: whatever it started goes with it
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    drain(output.get(), end.said);
    if (end.how == ChildEnd::How::exited && WIFSIGNALED(status)) end.how = ChildEnd::How::killed;
    end.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return end;
}

}  // namespace meridian::catalog
