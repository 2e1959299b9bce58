#include "metering/budget/mail.h"

#include <fmt/format.h>

#include "metering/budget/webhook.h"
#include "metering/budget/words.h"

namespace meridian::metering {

// The name of a budget is anybody's text, so it stays out of the head.
std::string alert_mail(const Budget& budget, const rows::Alert& alert, const std::string& recipient) {
    const auto whose = budget.scope == ScopeKind::organization ? std::string("of the organization")
                                                               : fmt::format("of the {} {}", word(budget.scope), budget.scope_id);
    std::string text = fmt::format(
        "To: {}\n"
        "Subject: Budget alert: {} percent of {} EUR are spent\n"
        "Message-ID: <{}@meridian.invalid>\n"
        "Auto-Submitted: auto-generated\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "\n",
        recipient, alert.percent, budget.limit.str(), id_of(alert));
    text += fmt::format("Of the {} budget {} {}, {} EUR of {} EUR are spent: {} percent or more.\n", word(budget.period), name_of(budget),
                        whose, alert.spent.str(), budget.limit.str(), alert.percent);
    if (budget.period != Period::total) text += fmt::format("It began at {}.\n", rfc3339(alert.from));
    text += budget.is_hard ? "What would pass the limit is refused.\n" : "Nothing is refused when the limit is passed.\n";
    text += fmt::format("\nBudget {}. Whoever may change it can remove this address from it.\n", budget.id.str());
    return text;
}

}  // namespace meridian::metering
