#include "fleet/process/shim.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace meridian::fleet {
namespace {

// What a limit adds to the estimate: an estimate that was a little low must not kill a replica that works.
std::uint64_t memory_limit(std::uint64_t bytes) { return bytes == 0 ? 0 : bytes + bytes / 4 + (256ull << 20); }

constexpr auto kill_again_ms = 200;

}  // namespace

Shim::Shim(ShimSpec spec, ReplicaPaths at, Fd listener, Fd signals)
    : spec_(std::move(spec)),
      at_(std::move(at)),
      listener_(std::move(listener)),
      signals_(std::move(signals)),
      available_(sandbox::probe()),
      group_(sandbox::Cgroup::make(at_.group(), {.memory_bytes = memory_limit(spec_.memory_bytes), .cpus = spec_.cpu_ids.size()})),
      log_(spec_.log_path),
      unclaimed_since_(monotonic_ms()),
      backoff_ms_(spec_.backoff_first_ms) {}

void Shim::run() {
    start_child();
    while (status_.state != ShimState::stopped) {
        std::vector<pollfd> ready{{signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        ready.push_back({child_ ? child_->output.get() : -1, POLLIN, 0});
        ready.push_back({child_ ? child_->birth.get() : -1, POLLIN, 0});
        for (const auto& peer : peers_) ready.push_back({peer.fd.get(), POLLIN, 0});
        if (::poll(ready.data(), ready.size(), wait_ms()) < 0 && errno != EINTR) break;
        const auto has = [&ready](std::size_t i) { return ready[i].revents != 0; };
        std::size_t at = 4;
        for (auto& peer : peers_)
            if (has(at++)) on_peer(peer);
        if (child_ && has(2)) on_output();
        if (child_ && has(3)) on_birth();
        if (has(0)) on_signals();
        if (has(1)) accept();
        forget_over();
        on_time();
    }
    end_child_processes();
    group_.remove();
}

void Shim::accept() {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.is_open()) return;
    // Whoever only sits there makes room: a next Meridian must always come through.
    if (peers_.size() >= peers_max) std::ranges::find_if(peers_, [this](const Peer& p) { return &p != holder_; })->is_over = true;
    peers_.push_back({.fd = std::move(fd), .unread = {}, .is_over = false});
}

int Shim::wait_ms() const {
    std::int64_t next = INT32_MAX;
    const auto consider = [&next](std::int64_t at) { next = std::min(next, std::max<std::int64_t>(0, at - monotonic_ms())); };
    if (restart_at_) consider(*restart_at_);
    if (kill_at_) consider(*kill_at_);
    if (!holder_ && status_.state != ShimState::stopping) consider(unclaimed_since_ + spec_.unclaimed_ms);
    return static_cast<int>(next);
}

void Shim::on_time() {
    const auto now = monotonic_ms();
    if (kill_at_ && now >= *kill_at_) {
        if (child_) ::kill(-child_->pid, SIGKILL);
        group_.kill();
        if (child_) ::kill(child_->pid, SIGKILL);
        kill_at_ = now + kill_again_ms;  // until it is reaped: a fork may have raced with the signal
    }
    if (restart_at_ && now >= *restart_at_) {
        restart_at_.reset();
        ++status_.restarts;
        start_child();
    }
    if (!holder_ && status_.state != ShimState::stopping && status_.state != ShimState::stopped &&
        now >= unclaimed_since_ + spec_.unclaimed_ms) {
        begin_stop(terminated_grace_ms);
    }
}

void Shim::on_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGTERM) begin_stop(terminated_grace_ms);
    }
    reap();
}

void Shim::start_child() {
    const sandbox::Plan plan{.program = spec_.program,
                             .arguments = spec_.arguments,
                             .environment = spec_.environment,
                             .readable_paths = spec_.readable_paths,
                             .directory = at_.run(),
                             .view = at_.view(),
                             .memory_bytes = spec_.memory_bytes,
                             .cpu_ids = {spec_.cpu_ids.begin(), spec_.cpu_ids.end()},
                             .gpu_devices = spec_.gpu_devices};
    ::unlink(at_.socket().c_str());  // of the one before: a bind would fail on it
    started_at_ = monotonic_ms();
    asked_.reset();
    status_.pid = 0;
    auto child = sandbox::spawn(plan, available_, group_);
    if (!child) return crashed(child.error());
    child_.emplace(std::move(*child));
    change(ShimState::starting, "starting the runtime");
}

void Shim::on_output() {
    std::array<char, 16 * 1024> piece;
    const auto got = ::read(child_->output.get(), piece.data(), piece.size());
    if (got > 0) log_.add({piece.data(), static_cast<std::size_t>(got)});
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) child_->output.reset();
}

void Shim::on_birth() {
    const auto birth = sandbox::read_birth(child_->birth.get());
    if (birth.closed) {
        child_->birth.reset();
        if (status_.state == ShimState::starting && !asked_) change(ShimState::running, "");
    } else if (birth.any && birth.note.failure.empty()) {
        status_.pid = birth.note.pid;
        status_.layers = birth.note.layers;
        status_.layers.insert(status_.layers.end(), group_.layers().begin(), group_.layers().end());
    } else if (birth.any) {
        asked_ = printable(birth.note.failure, BoundedLog::line_max);
    }
}

void Shim::reap() {
    int status = 0;
    for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (!child_ || ended != child_->pid) continue;                      // an orphan of the replica's
        for (int i = 0; i < 4 && child_->birth.is_open(); ++i) on_birth();  // layers, perhaps a failure, the end
        int program = 0;
        if (::read(child_->death.get(), &program, sizeof program) == static_cast<ssize_t>(sizeof program)) status = program;
        for (int i = 0; i < 64 && child_->output.is_open(); ++i) on_output();  // what was still in the pipe says why
        on_end(status);
    }
}

// Everything that the child left behind. Without a pid namespace its orphans are ours now, and die one generation at a time.
void Shim::end_child_processes() {
    group_.kill();
    if (child_) ::kill(-child_->pid, SIGKILL);
    const auto pid = std::to_string(::getpid());
    for (int generation = 0; generation < 1000; ++generation) {
        const auto children = small_file("/proc/" + pid + "/task/" + pid + "/children");
        for (const char* at = children.c_str(); *at;) {
            char* end = nullptr;
            const long one = std::strtol(at, &end, 10);
            if (end == at) break;
            if (one > 1) ::kill(static_cast<pid_t>(one), SIGKILL);
            at = *end ? end + 1 : end;
        }
        const pid_t ended = ::waitpid(-1, nullptr, children.empty() ? WNOHANG : 0);
        if (ended <= 0) return;
    }
}

std::string Shim::reason_of(int status) const {
    const auto line = log_.last_line();
    const auto said = line.empty() ? std::string() : ": " + line;
    if (WIFSIGNALED(status)) {
        if (WTERMSIG(status) == SIGKILL && group_.ran_out_of_memory()) {
            return fmt::format("it went over its memory limit of {} MiB", memory_limit(spec_.memory_bytes) >> 20);
        }
        return fmt::format("killed by signal {} ({}){}", WTERMSIG(status), ::strsignal(WTERMSIG(status)), said);
    }
    return fmt::format("exit status {}{}", WEXITSTATUS(status), said);
}

void Shim::on_end(int status) {
    auto reason = asked_ ? *asked_ : reason_of(status);
    const bool stopping = status_.state == ShimState::stopping;
    end_child_processes();
    child_.reset();
    kill_at_.reset();
    status_.pid = 0;
    if (stopping) return change(ShimState::stopped, "");
    crashed(std::move(reason));
}

void Shim::crashed(std::string reason) {
    const auto now = monotonic_ms();
    // One that ran well for a while starts over with a short wait.
    if (now - started_at_ > spec_.crash_window_ms) backoff_ms_ = spec_.backoff_first_ms;
    crashes_.push_back(now);
    while (now - crashes_.front() > spec_.crash_window_ms) crashes_.pop_front();
    if (static_cast<std::int64_t>(crashes_.size()) >= spec_.crashes_max) {
        restart_at_.reset();
        return change(ShimState::failed, fmt::format("gave up after {} crashes; the last: {}", crashes_.size(), reason));
    }
    restart_at_ = now + backoff_ms_;
    change(ShimState::backing_off, fmt::format("{}; restarting in {:.1f} s", reason, static_cast<double>(backoff_ms_) / 1000.0));
    backoff_ms_ = std::min(backoff_ms_ * 2, spec_.backoff_longest_ms);
}

void Shim::begin_stop(std::int64_t grace_ms) {
    const auto at = monotonic_ms() + grace_ms;
    if (status_.state == ShimState::stopping) {
        if (!kill_at_ || at < *kill_at_) kill_at_ = at;
        return;
    }
    restart_at_.reset();
    if (!child_) return change(ShimState::stopped, "");
    change(ShimState::stopping, "");
    ::kill(-child_->pid, SIGTERM);
    if (child_->birth.is_open()) ::kill(child_->pid, SIGKILL);  // its program has not begun and holds nothing worth a grace
    kill_at_ = at;
}

void Shim::on_peer(Peer& peer) {
    std::array<char, 512> piece;
    const auto got = ::read(peer.fd.get(), piece.data(), piece.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        peer.is_over = true;
        return;
    }
    peer.unread.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end; !peer.is_over && (end = peer.unread.find('\n')) != peer.unread.npos;) {
        const auto line = peer.unread.substr(0, end);
        peer.unread.erase(0, end + 1);
        obey(peer, line);
    }
    if (peer.unread.size() > shim_line_max) peer.is_over = true;
}

void Shim::obey(Peer& peer, std::string_view line) {
    using Verb = ShimCommand::Verb;
    const auto command = parse_command(line);
    if (!command) {
        peer.is_over = true;
        return;
    }
    if (command->verb == Verb::claim) return claim(peer, *command);
    if (command->verb == Verb::status) return send(peer, status_);
    if (&peer != holder_) {  // only a holder may change anything
        peer.is_over = true;
        return;
    }
    if (command->verb == Verb::leave) {
        peer.is_over = true;
    } else if (command->verb == Verb::stop) {
        begin_stop(static_cast<std::int64_t>(command->number));
    } else if (child_ && !asked_ && status_.state == ShimState::running) {
        asked_ = "it stopped answering its health probe";
        ::kill(-child_->pid, SIGKILL);
        ::kill(child_->pid, SIGKILL);
    }
}

void Shim::claim(Peer& peer, const ShimCommand& command) {
    const bool knows = command.token == spec_.token;
    if (!knows || command.number < status_.holder) {
        auto answer = status_;
        answer.state = ShimState::refused;
        answer.detail = knows ? "a newer holder has claimed it" : "the token is wrong";
        send(peer, answer);
        peer.is_over = true;
        return;
    }
    if (holder_ && holder_ != &peer) {
        auto farewell = status_;
        farewell.state = ShimState::displaced;
        farewell.holder = command.number;
        send(*holder_, farewell);
        holder_->is_over = true;
    }
    holder_ = &peer;
    status_.holder = command.number;
    send(peer, status_);
}

void Shim::send(Peer& peer, const ShimStatus& status) {
    const auto line = to_text(status) + "\n";
    // A holder that does not read a few hundred bytes is none.
    if (::send(peer.fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) peer.is_over = true;
}

void Shim::change(ShimState state, std::string detail) {
    status_.state = state;
    status_.detail = std::move(detail);
    if (holder_ && !holder_->is_over) send(*holder_, status_);
}

void Shim::forget_over() {
    if (holder_ && holder_->is_over) {
        holder_ = nullptr;
        unclaimed_since_ = monotonic_ms();
    }
    peers_.remove_if([](const Peer& peer) { return peer.is_over; });
}

}  // namespace meridian::fleet
