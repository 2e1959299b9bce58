// For tests: a way to a private PostgreSQL that can be cut, and that can lose a commit or its answer.
#pragma once
#include <atomic>
#include <string>
#include <thread>

namespace meridian::store {

class Relay {
public:
    enum class Lose { nothing, commit, answer_of_commit };

    // `url` of a database behind a Unix socket ("...?host=/directory").
    explicit Relay(const std::string& url);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }
    // Breaks what is open and lets nobody through.
    void cut() { is_cut_ = true; }
    void heal() { is_cut_ = false; }
    // Of the next commit. Afterwards `nothing` again.
    void lose(Lose what) { lose_ = what; }
    [[nodiscard]] bool has_lost() const { return lose_ == Lose::nothing; }

private:
    void accept();
    void serve(int client) const;

    std::string directory_, to_, url_;
    int listening_;
    std::atomic<bool> is_cut_ = false, is_over_ = false;
    mutable std::atomic<Lose> lose_ = Lose::nothing;
    std::thread accepting_;
};

}  // namespace meridian::store
