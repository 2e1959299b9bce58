// E-mail through a program of the host's: sendmail, or whatever takes a message as it does.
#pragma once
#include <atomic>
#include <string>

#include "base/real/real.h"
#include "metering/budget/mail.h"

namespace meridian::app {

// Runs `program -t -i` for each message, which it reads from standard input; taken is what it ends with 0 on. No shell, no environment
// but PATH and HOME, 20 seconds at most, four at once.
class MailHook final : public metering::Mailer {
public:
    explicit MailHook(std::string program);
    Task<expected<void>> send(std::string message) override;
    // Ends what is under way; later messages are not taken.
    void stop() { is_stopped_ = true; }

private:
    std::string program_;
    std::atomic<bool> is_stopped_ = false;
    real::ThreadPool pool_;  // its own: a mail server that hangs holds up nothing else
};

}  // namespace meridian::app
