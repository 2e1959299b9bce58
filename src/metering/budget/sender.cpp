#include "metering/budget/sender.h"

#include <fmt/format.h>

#include "base/log.h"
#include "metering/budget/rules.h"
#include "metering/budget/webhook.h"

namespace meridian::metering {
namespace {

constexpr Duration look_every = std::chrono::seconds(2);
// Of webhooks and of e-mails each. A hook that never answers holds one place until its time is over.
constexpr std::size_t at_once = 20;
constexpr Duration webhook_time = std::chrono::seconds(20);
// Half a minute, then twice as long each time: nearly three days in all.
constexpr std::int64_t attempts_max = 14;
constexpr std::chrono::seconds first_wait{30};

}  // namespace

// Of one attempt, until it has ended in any way.
struct AlertSender::UnderWay {
    UnderWay(std::set<Key>& in, Key what) : all(in), key(std::move(what)) {}
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() { all.erase(key); }
    std::set<Key>& all;
    Key key;
};

Task<> AlertSender::end_in_time(std::shared_ptr<http::Cancel> cancel) {
    co_await clock_.sleep(webhook_time);
    cancel->fire();
}

Task<expected<void>> AlertSender::post(TaskGroup& tasks, Budget budget, rows::DueDelivery due) {
    const auto url = http::parse_url(due.delivery.recipient.empty() ? budget.webhook_url : due.delivery.recipient);
    if (!url) co_return complaint("its URL cannot be read");
    std::string secret;
    if (!budget.webhook_secret.empty()) {
        auto opened = sealing_.open(unbase64(budget.webhook_secret).value_or(""), webhook_secret_context);
        if (!opened) co_return complaint("its secret cannot be read");
        secret = std::move(*opened);
    }
    const auto cancel = std::make_shared<http::Cancel>();
    tasks.spawn("budget alert's time", end_in_time(cancel));
    auto sent = co_await client_.send(url->target, webhook_request(budget, due.alert, url->path, secret, clock_.now()), cancel);
    if (!sent) co_return complaint(cancel->fired() ? "it did not answer in time" : sent.error().said);
    const auto status = (*sent)->status();
    if (status < 200 || status >= 300) co_return complaint(fmt::format("it answered {}", status));
    co_return expected<void>();
}

Task<expected<void>> AlertSender::attempt(TaskGroup& tasks, Budget budget, rows::DueDelivery due) {
    switch (due.delivery.channel) {
        case Channel::webhook:
            co_return co_await post(tasks, std::move(budget), std::move(due));
        case Channel::email:
            if (!mailer_) co_return complaint("this installation sends no e-mail: it was started without --mail-hook");
            co_return co_await mailer_->send(alert_mail(budget, due.alert, due.delivery.recipient));
    }
}

Task<> AlertSender::send(TaskGroup& tasks, rows::DueDelivery due) {
    auto& [alert, delivery] = due;
    const UnderWay held(under_way_[delivery.channel], {alert.budget, alert.from, alert.percent, delivery.recipient});
    const auto budget = co_await store_.read([&due](store::Tx& tx) { return rows::budget(tx, due.alert.budget); });
    if (!budget) co_return;
    delivery.next_attempt_at.reset();
    // Whoever was removed meanwhile is not told any more.
    if (is_recipient(*budget, alert.percent, delivery.channel, delivery.recipient)) {
        const auto told = co_await attempt(tasks, *budget, due);
        if (told) delivery.delivered_at = clock_.now();
        // Addresses are not logged: those of webhooks often have a secret in them.
        else
            log::warn("metering", "a recipient ({}) of budget {} was not told: {}", word(delivery.channel), alert.budget.str(),
                      told.error().said);
        if (!told && delivery.attempts + 1 < attempts_max)
            delivery.next_attempt_at = clock_.now() + first_wait * (std::int64_t{1} << delivery.attempts);
        ++delivery.attempts;
    }
    co_await store_.write([&due](store::Tx& tx) { rows::update(tx, due); });
}

Task<> AlertSender::begin_due(TaskGroup& tasks, Channel channel) {
    auto& busy = under_way_[channel];
    // Those under way are among the oldest.
    const auto limit = static_cast<std::int64_t>(at_once + busy.size());
    const auto all = co_await store_.read([=, now = clock_.now()](store::Tx& tx) { return rows::due_deliveries(tx, channel, now, limit); });
    for (const auto& due : all) {
        if (busy.size() >= at_once) co_return;
        if (busy.insert({due.alert.budget, due.alert.from, due.alert.percent, due.delivery.recipient}).second)
            tasks.spawn("budget alert", send(tasks, due));
    }
}

Task<> AlertSender::run(TaskGroup& tasks) {
    for (;;) {
        co_await clock_.sleep(look_every);
        try {
            for (const auto channel : {Channel::webhook, Channel::email}) co_await begin_due(tasks, channel);
        } catch (const Error& e) {
            log::error("metering", "alerts cannot be sent: {} {}", e.said, e.logged);
        }
    }
}

}  // namespace meridian::metering
