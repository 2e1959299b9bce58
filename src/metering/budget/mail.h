// A budget's alert as an e-mail, and who takes it.
#pragma once
#include <string>

#include "base/async.h"
#include "metering/budget/store.h"

namespace meridian::metering {

// A message as RFC 5322 has it, with the line ends of a text file, for one recipient. Date and sender are left to whoever takes it.
std::string alert_mail(const Budget& budget, const rows::Alert& alert, const std::string& recipient);

class Mailer {
public:
    virtual ~Mailer() = default;
    // Nothing when the message was taken, otherwise why it was not. Ends within some seconds, and blocks no loop.
    virtual Task<expected<void>> send(std::string message) = 0;
};

}  // namespace meridian::metering
