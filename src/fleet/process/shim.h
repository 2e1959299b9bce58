// The owner of one child: starts it in its sandbox, restarts it, obeys whoever holds the newest claim, ends when nobody does.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/posix.h"
#include "fleet/process/bounded_log.h"
#include "fleet/process/spec.h"
#include "fleet/sandbox/sandbox.h"

namespace meridian::fleet {

class Shim {
public:
    // `listener` is the control socket, listening; `signals` a signalfd of SIGCHLD and SIGTERM.
    Shim(ShimSpec spec, ReplicaPaths at, Fd listener, Fd signals);
    // Until the child has ended for good.
    void run();

private:
    struct Peer {
        Fd fd;
        std::string unread;
        bool is_over = false;
    };
    static constexpr std::size_t peers_max = 8;
    static constexpr std::int64_t terminated_grace_ms = 5'000;  // when the host tells us to end

    // Time: the next moment at which something has to be done without being told.
    [[nodiscard]] int wait_ms() const;
    void on_time();
    void on_signals();

    // The child.
    void start_child();
    void on_output();
    void on_birth();
    void reap();
    void on_end(int status);
    void crashed(std::string reason);
    void end_child_processes();
    [[nodiscard]] std::string reason_of(int status) const;
    void begin_stop(std::int64_t grace_ms);

    // Those who speak to us.
    void accept();
    void on_peer(Peer& peer);
    void obey(Peer& peer, std::string_view line);
    void claim(Peer& peer, const ShimCommand& command);
    void send(Peer& peer, const ShimStatus& status);
    void change(ShimState state, std::string detail);
    void forget_over();

    ShimSpec spec_;
    ReplicaPaths at_;
    Fd listener_, signals_;
    sandbox::Available available_;
    sandbox::Cgroup group_;
    BoundedLog log_;
    ShimStatus status_;
    std::optional<sandbox::Child> child_;
    std::optional<std::string> asked_;  // why the child is being ended by us, though it shall come back
    std::list<Peer> peers_;
    Peer* holder_ = nullptr;
    std::deque<std::int64_t> crashes_;  // when
    std::int64_t started_at_ = 0;
    std::int64_t unclaimed_since_;
    std::optional<std::int64_t> restart_at_, kill_at_;
    std::int64_t backoff_ms_;
};

}  // namespace meridian::fleet
