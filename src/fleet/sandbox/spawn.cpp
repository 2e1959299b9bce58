// shim -> init -> program. Init is the first process of the namespaces: it builds the view, forks the program, reaps, and ends with it,
// which makes the kernel kill whatever is left inside. It dies with the shim. The program puts on what binds only itself.
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "fleet/sandbox/layers.h"

namespace meridian::fleet::sandbox {
namespace {

constexpr int init_failed = 125;
constexpr char note_layers = 'L', note_failure = 'F';

struct Pipes {
    Fd output_from, output_to, birth_from, birth_to, death_from, death_to, go_from, go_to;
};

bool open(Pipes& p) {
    int two[2];
    const auto take = [&two](Fd& from, Fd& to) {
        from = Fd(two[0]);
        to = Fd(two[1]);
        return true;
    };
    const int yes = 1;
    return ::pipe2(two, O_CLOEXEC) == 0 && take(p.output_from, p.output_to) && ::pipe2(two, O_CLOEXEC) == 0 &&
           take(p.death_from, p.death_to) && ::pipe2(two, O_CLOEXEC) == 0 && take(p.go_from, p.go_to) &&
           ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, two) == 0 && take(p.birth_from, p.birth_to) &&
           ::setsockopt(p.birth_from.get(), SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) == 0 &&
           ::fcntl(p.output_from.get(), F_SETFL, O_NONBLOCK) == 0 && ::fcntl(p.birth_from.get(), F_SETFL, O_NONBLOCK) == 0 &&
           ::fcntl(p.death_from.get(), F_SETFL, O_NONBLOCK) == 0;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
    return out;
}

void tell(int birth, char kind, const std::string& text) {
    const std::string all = kind + text;
    // The shim reads it or is gone; nothing else can be done here.
    [[maybe_unused]] const auto sent = ::send(birth, all.data(), std::min<std::size_t>(all.size(), 2048), MSG_NOSIGNAL);
}

// One user of our own, mapped to whoever we are outside: files keep their owner, and there is no root inside.
bool map_users(uid_t outside_user, gid_t outside_group) {
    [[maybe_unused]] const bool denied = wrote("/proc/self/setgroups", "deny");
    return wrote("/proc/self/uid_map", "1000 " + std::to_string(outside_user) + " 1\n") &&
           wrote("/proc/self/gid_map", "1000 " + std::to_string(outside_group) + " 1\n");
}

bool raise_loopback() {
    const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq lo{};
    std::strcpy(lo.ifr_name, "lo");
    lo.ifr_flags = IFF_UP;
    return any.is_open() && ::ioctl(any.get(), SIOCSIFFLAGS, &lo) == 0;
}

void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers(const std::vector<std::string>& words, const std::string* first = nullptr) {
    std::vector<char*> out;
    if (first) out.push_back(const_cast<char*>(first->c_str()));
    for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

struct Inside {
    const Plan& plan;
    const Available& available;
    int namespaces;
    bool group_limits_memory;
    std::vector<std::string> got;
};

[[noreturn]] void run_program(Inside& in, Pipes& p) {
    auto& got = in.got;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    reset_signals();
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(null.get(), 0);
    ::dup2(p.output_to.get(), 1);
    ::dup2(p.output_to.get(), 2);
    if (::chdir(in.plan.directory.c_str()) != 0) tell(p.birth_to.get(), note_failure, "cannot enter its directory"), ::_exit(init_failed);
    lower_limits(in.plan, in.group_limits_memory);
    got.emplace_back("rlimits");
    const bool has_net = in.namespaces & CLONE_NEWNET;
    const bool has_view = std::ranges::find(got, "mount-ns") != got.end();
    if (drop_capabilities()) got.emplace_back("no-caps");
    const bool no_new_privs = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (no_new_privs) got.emplace_back("no-new-privs");
    // Work on several GPUs talks to itself over TCP; with a network namespace that stays inside.
    const bool deny_tcp = !(has_net && in.plan.wants_gpus());
    const LandlockWish wish{.abi = in.available.landlock, .has_private_view = has_view, .deny_tcp = deny_tcp};
    if (no_new_privs && apply_landlock(in.plan, wish)) got.push_back("landlock-" + std::to_string(in.available.landlock));
    if (no_new_privs && in.available.seccomp && apply_seccomp(!has_net && in.available.landlock < 4)) got.emplace_back("seccomp");
    tell(p.birth_to.get(), note_layers, joined(got));
    const auto arguments = pointers(in.plan.arguments, &in.plan.program);
    const auto environment = pointers(in.plan.environment);
    ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    ::execve(in.plan.program.c_str(), arguments.data(), environment.data());
    tell(p.birth_to.get(), note_failure, std::string("cannot run ") + in.plan.program + ": " + std::strerror(errno));
    ::_exit(init_failed);
}

void enter_namespaces(Inside& in) {
    auto& got = in.got;
    if (in.namespaces & CLONE_NEWNET && raise_loopback()) got.emplace_back("net-ns");
    if (in.namespaces & CLONE_NEWIPC) got.emplace_back("ipc-ns");
    if (in.namespaces & CLONE_NEWUTS && ::sethostname("replica", 7) == 0) got.emplace_back("uts-ns");
    const bool has_pid = in.namespaces & CLONE_NEWPID;
    if (has_pid) got.emplace_back("pid-ns");
    if (in.namespaces & CLONE_NEWNS && enter_private_view(in.plan, has_pid)) got.emplace_back("mount-ns");
}

// The shim's sockets must not live on in here: a holder would wait for the end of a connection that the shim has closed.
void keep_only(std::array<int, 4> kept) {
    std::ranges::sort(kept);
    unsigned from = 3;
    for (const int fd : kept) {
        if (static_cast<unsigned>(fd) > from) ::close_range(from, static_cast<unsigned>(fd) - 1, 0);
        from = std::max(from, static_cast<unsigned>(fd) + 1);
    }
    ::close_range(from, ~0u, 0);
}

[[noreturn]] void run_init(Inside in, Pipes p, uid_t user, gid_t group) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_only({p.output_to.get(), p.birth_to.get(), p.death_to.get(), p.go_from.get()});
    char go = 0;
    if (::read(p.go_from.get(), &go, 1) != 1) ::_exit(init_failed);  // the shim is gone
    ::setsid();
    ::prctl(PR_SET_NAME, "replica-init", 0, 0, 0);
    if (in.namespaces & CLONE_NEWUSER) {
        // Unmapped it is nobody inside and cannot build its view, but runs: to us outside it is the same user either way.
        if (map_users(user, group)) in.got.emplace_back("user-ns");
    }
    if (!in.plan.cpu_ids.empty() && stay_on_cpus(in.plan.cpu_ids)) in.got.emplace_back("cpu-affinity");
    enter_namespaces(in);
    ::signal(SIGTERM, SIG_IGN);  // a stop is told to the whole group; init stays to reap
    const pid_t program = ::fork();
    if (program == 0) run_program(in, p);
    if (program < 0) {
        tell(p.birth_to.get(), note_failure, std::string("cannot fork: ") + std::strerror(errno));
        ::_exit(init_failed);
    }
    const int death = p.death_to.get();
    for (Fd* fd : {&p.birth_to, &p.output_to, &p.go_from}) fd->reset();
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    drop_capabilities();
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR) ::_exit(init_failed);
        if (ended != program) continue;
        [[maybe_unused]] const auto told = ::write(death, &status, sizeof status);
        ::_exit(0);
    }
}

}  // namespace

std::expected<Child, std::string> spawn(const Plan& plan, const Available& available, Cgroup& group) {
    Pipes p;
    if (!open(p)) return std::unexpected(std::string("cannot make pipes: ") + std::strerror(errno));
    int namespaces = 0;
    const std::pair<bool, int> each[] = {{available.user, CLONE_NEWUSER}, {available.net, CLONE_NEWNET}, {available.mount, CLONE_NEWNS},
                                         {available.pid, CLONE_NEWPID},   {available.ipc, CLONE_NEWIPC}, {available.uts, CLONE_NEWUTS}};
    for (const auto& [possible, flag] : each)
        if (possible) namespaces |= flag;
    const uid_t user = ::geteuid();
    const gid_t gid = ::getegid();
    const auto fork_with = [](int flags) {
        return static_cast<pid_t>(::syscall(SYS_clone, static_cast<unsigned long>(flags | SIGCHLD), nullptr, nullptr, nullptr, nullptr));
    };
    pid_t pid = fork_with(namespaces);
    if (pid < 0) pid = fork_with(namespaces = 0);  // a namespace limit was reached: the other layers remain
    if (pid == 0) run_init({plan, available, namespaces, group.limits_memory(), {}}, std::move(p), user, gid);
    if (pid < 0) return std::unexpected(std::string("cannot fork: ") + std::strerror(errno));
    group.add(pid);
    // In case that it is dead already: its death is seen by whoever reaps.
    [[maybe_unused]] const auto went = ::write(p.go_to.get(), "g", 1);
    return Child{.pid = pid, .output = std::move(p.output_from), .birth = std::move(p.birth_from), .death = std::move(p.death_from)};
}

BirthRead read_birth(int fd) {
    std::array<char, 2048> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got <= 0) return {.closed = true, .any = false, .note = {}};
    BirthRead out{.closed = false, .any = true, .note = {}};
    if (const auto* head = CMSG_FIRSTHDR(&message); head && head->cmsg_type == SCM_CREDENTIALS) {
        ucred who{};
        std::memcpy(&who, CMSG_DATA(head), sizeof who);
        out.note.pid = who.pid;
    }
    const std::string_view said(text.data() + 1, static_cast<std::size_t>(got) - 1);
    if (text[0] == note_failure) {
        out.note.failure = said;
        return out;
    }
    for (std::size_t at = 0; at < said.size();) {
        const auto end = std::min(said.find(',', at), said.size());
        out.note.layers.emplace_back(said.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

}  // namespace meridian::fleet::sandbox
