// Tells each recipient of each alert that was raised, again and again until it is taken or was tried for some days.
#pragma once
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "http/client.h"
#include "keys/keys.h"
#include "metering/budget/mail.h"
#include "metering/budget/store.h"

namespace meridian::metering {

class AlertSender {
public:
    // `mailer` may be null: then e-mails fail, and are tried again like the rest.
    AlertSender(store::Store& store, http::Client& client, Mailer* mailer, Clock& clock, const keys::SealingKey& sealing)
        : store_(store), client_(client), mailer_(mailer), clock_(clock), sealing_(sealing) {}
    // Until cancelled; each attempt is a task of `tasks` by itself, so that a slow recipient holds up nobody. Spawn once, on the loop of
    // the client and of `tasks`.
    Task<> run(TaskGroup& tasks);

private:
    using Key = std::tuple<BudgetId, Timestamp, std::uint32_t, std::string>;
    struct UnderWay;
    Task<> begin_due(TaskGroup& tasks, Channel channel);
    Task<> send(TaskGroup& tasks, rows::DueDelivery due);
    Task<expected<void>> attempt(TaskGroup& tasks, Budget budget, rows::DueDelivery due);
    Task<expected<void>> post(TaskGroup& tasks, Budget budget, rows::DueDelivery due);
    Task<> end_in_time(std::shared_ptr<http::Cancel> cancel);

    store::Store& store_;
    http::Client& client_;
    Mailer* mailer_;
    Clock& clock_;
    const keys::SealingKey& sealing_;
    std::map<Channel, std::set<Key>> under_way_;
};

}  // namespace meridian::metering
