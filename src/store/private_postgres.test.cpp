#include "store/private_postgres.h"

#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "store/postgres/connection.h"

namespace meridian::store {
namespace {

constexpr const char* binaries = "/usr/lib/postgresql/15/bin/";
constexpr std::chrono::seconds patience{60};  // that a state may take on a crowded machine

// A child that ends with us. As user postgres when we are root, whom the server refuses.
pid_t run(std::vector<std::string> words, const std::string& log) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const auto* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::freopen("/dev/null", "r", stdin) == nullptr || ::freopen(log.c_str(), "a", stdout) == nullptr || ::dup2(1, 2) < 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

}  // namespace

PrivatePostgres& PrivatePostgres::here() {
    static PrivatePostgres one;
    return one;
}

PrivatePostgres::PrivatePostgres() {
    std::string made = "/tmp/meridian-postgres-XXXXXX";  // short: a socket's path is
    MERIDIAN_ASSERT(::mkdtemp(made.data()) != nullptr);
    directory_ = made;
    if (const auto* user = ::getpwnam("postgres"); ::geteuid() == 0 && user != nullptr)
        MERIDIAN_ASSERT(::chown(made.c_str(), user->pw_uid, user->pw_gid) == 0);
    const pid_t child = run({std::string(binaries) + "initdb", "-D", directory_ + "/data", "-A", "trust", "-U", "meridian", "--no-sync",
                             "-E", "UTF8", "--locale=C.UTF-8"},
                            directory_ + "/log");
    int status = 0;
    ::waitpid(child, &status, 0);
    MERIDIAN_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);  // postgresql-15 is among the packages for tests
    start();
}

PrivatePostgres::~PrivatePostgres() {
    if (server_ > 0) end(SIGQUIT);
    std::filesystem::remove_all(directory_);
}

void PrivatePostgres::start() {
    server_ = run({std::string(binaries) + "postgres", "-D", directory_ + "/data", "-c", "listen_addresses=", "-c",
                   "unix_socket_directories=" + directory_, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60"},
                  directory_ + "/log");
    const auto server = postgres::Server::parse(fmt::format("postgres://meridian@/postgres?host={}", directory_)).value();
    for (const auto until = std::chrono::steady_clock::now() + patience;;) {
        try {
            const postgres::Connection connection(server);
            return;
        } catch (const Error& e) {
            if (std::chrono::steady_clock::now() > until) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

void PrivatePostgres::end(int signal) {
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
    server_ = -1;
}

void PrivatePostgres::stop() { end(SIGINT); }
void PrivatePostgres::kill() { end(SIGQUIT); }

std::string PrivatePostgres::new_database(const std::string& more) {
    const auto name = fmt::format("t{}", ++databases_);
    script(fmt::format("postgres://meridian@/postgres?host={}", directory_), fmt::format("create database {} {}", name, more));
    return fmt::format("postgres://meridian@/{}?host={}", name, directory_);
}

void PrivatePostgres::script(const std::string& url, const std::string& sql) {
    postgres::Connection(postgres::Server::parse(url).value()).script(sql);
}

std::vector<std::string> PrivatePostgres::column(const std::string& url, const std::string& sql) {
    std::vector<std::string> made;
    for (const auto& row : postgres::Connection(postgres::Server::parse(url).value()).script(sql))
        made.push_back(row.get<std::string>(row.columns().at(0)));
    return made;
}

}  // namespace meridian::store
