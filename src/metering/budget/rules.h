// One budget as a value: what it must keep to, the percents of its alerts, and who is told of them.
#pragma once
#include <string>
#include <vector>

#include "base/rng.h"
#include "metering/budget/types.h"

namespace meridian::metering {

inline constexpr std::size_t alerts_max = 16;          // of a budget
inline constexpr std::size_t recipients_max = 64;      // of a budget, over all its alerts
inline constexpr std::uint32_t percent_max = 1000;     // of the limit
inline constexpr std::size_t hook_url_max = 2048;      // bytes
inline constexpr std::size_t email_address_max = 254;  // bytes, as RFC 5321 has it

std::vector<std::uint32_t> percents_of(const Budget& budget);
// Alerts at these percents and no others. One that stays keeps its id and its recipients.
void set_percents(Budget& budget, const std::vector<std::uint32_t>& percents, Timestamp now, Rng& rng);

AlertRule* find_alert(Budget& budget, const BudgetAlertId& id);
BudgetNotification* find_notification(Budget& budget, const BudgetNotificationId& id);
// Whether the alert at this percent is still to be told there. "" is the budget's own webhook.
bool is_recipient(const Budget& budget, std::uint32_t percent, Channel channel, const std::string& address);

enum class Mail { sent, not_sent };  // by this installation
// Error{invalid} for addresses that cannot be told.
void check(const Recipients& to, Mail mail);
// What cannot be said by one field's rules: Error{invalid}, Error{conflict} for two alerts of one percent, Error{quota} for too many
// alerts or recipients.
void check(const Budget& budget);

}  // namespace meridian::metering
