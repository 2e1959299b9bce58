#include "metering/log/witnesses.h"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "base/number.h"
#include "metering/log/cosignature.h"
#include "metering/log/witness.h"

namespace meridian::metering {
namespace {

constexpr std::size_t witnesses_max = 16;
constexpr std::size_t answer_max = 64 * 1024;
constexpr Duration answer_time = std::chrono::seconds(5);
constexpr Duration look_every = std::chrono::milliseconds(500);  // whether the log has changed

// A person wrote these places down, so they are declared; no other may be reached from here.
http::EgressPolicy only(const std::vector<WitnessAt>& all) {
    std::vector<std::string> hosts;
    for (const auto& each : all) hosts.push_back(each.url.target.host);
    return http::EgressPolicy(hosts);
}

std::string path_below(const http::Url& url, std::string_view rest) {
    return fmt::format("{}{}{}", url.path, url.path.ends_with('/') ? "" : "/", rest);
}

// Of one answer 409: how many leaves the witness has seen.
std::optional<std::uint64_t> size_in(std::string_view body) {
    if (!body.ends_with('\n')) return std::nullopt;
    body.remove_suffix(1);
    return whole_number<std::uint64_t>(body);
}

}  // namespace

struct Witnesses::Asked {
    WitnessAt at;
    std::uint64_t seen = 0;  // leaves of the log, as far as we know
    std::string shown;       // the note that it was asked to sign last
    std::string lines;       // by which it did
    std::string trouble;     // what was logged last, so that a witness that stays away is not logged at every round

    void note(std::string now) {
        if (now != trouble && !now.empty()) log::warn("witness", "{}: {}", at.key.name, now);
        if (now.empty() && !trouble.empty()) log::info("witness", "{} signs again", at.key.name);
        trouble = std::move(now);
    }
};

expected<WitnessAt> WitnessAt::parse(std::string_view text) {
    const auto at = text.find("@http");
    if (at == std::string_view::npos)
        return complaint(fmt::format("'{}' is no witness; it looks like NAME+HASH+KEY@https://HOST/PATH.", text));
    auto key = VerifierKey::parse(text.substr(0, at), KeyKind::witness);
    if (!key) return complaint(fmt::format("The witness '{}' cannot be used: {}.", text, key.error().said));
    auto url = http::parse_url(text.substr(at + 1));
    if (!url || url->path.find('?') != std::string::npos)
        return complaint(fmt::format("The witness's address '{}' cannot be used; it looks like https://HOST/PATH.", text.substr(at + 1)));
    return WitnessAt{std::move(*key), std::move(*url)};
}

expected<std::vector<WitnessAt>> WitnessAt::parse_all(const std::vector<std::string>& texts) {
    if (texts.size() > witnesses_max) return complaint(fmt::format("At most {} witnesses can be asked.", witnesses_max));
    std::vector<WitnessAt> all;
    for (const auto& text : texts) {
        auto made = parse(text);
        if (!made) return std::unexpected(made.error());
        all.push_back(std::move(*made));
    }
    return all;
}

expected<void> keep_newest_witnessed(Disk& disk, const std::string& ledger, const std::string& note) {
    if (note.empty()) return {};
    const auto path = ledger + "/witnessed";
    const auto there = disk.read_file(path);
    const auto kept = there ? read_note(*there) : complaint("");
    if (kept && kept->size >= read_note(note)->size) return {};
    if (there && !kept) return {};  // a damaged one is the next start's to refuse
    if (const auto written = disk.replace_file(path, note); !written)
        return complaint(fmt::format("What the witnesses have seen cannot be written down: {}.", written.error().said));
    return {};
}

Witnesses::Witnesses(Network& network, Clock& clock, Executor executor, std::vector<WitnessAt> all, Duration every)
    : clock_(clock), every_(every) {
    const http::ClientLimits limits{.connect_time = answer_time, .head_time = answer_time, .read_time = answer_time};
    client_ = std::make_unique<http::Client>(network, clock, std::move(executor), only(all), limits);
    for (auto& each : all) all_.push_back(std::make_shared<Asked>(std::move(each)));
}

Witnesses::~Witnesses() { client_->close(); }

Task<std::string> Witnesses::newest(VerifierKey log) {
    std::string newest;
    for (const auto& witness : all_) {
        http::Outgoing request;
        request.path = path_below(witness->at.url, hex(sha256(log.name)) + "/checkpoint");
        const auto answer = co_await client_->fetch(witness->at.url.target, std::move(request), answer_max);
        if (!answer) {
            witness->note(fmt::format("it does not answer ({}), so what it has seen is not known", answer.error().said));
            continue;
        }
        if (answer->status == 404) continue;
        const auto checkpoint =
            answer->status == 200 ? read_note(answer->body, log) : complaint(fmt::format("it answers {}", answer->status));
        if (!checkpoint)
            witness->note(fmt::format("what it has seen of the log cannot be used: {}", checkpoint.error().said));
        else if (newest.empty() || read_note(newest)->size < checkpoint->size)
            newest = answer->body;
    }
    co_return newest;
}

void Witnesses::begin(TaskGroup& tasks, PublicLog& log, Pool& pool) {
    for (const auto& witness : all_) tasks.spawn("witness " + witness->at.key.name, run(witness, log, pool));
}

Task<> Witnesses::run(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool) {
    Event never(co_await asio::this_coro::executor);
    for (;;) {
        refresh(log);
        if (witness->shown != shown_.note) {
            witness->shown = shown_.note;
            co_await ask(witness, log, pool);
        }
        if (!witness->trouble.empty()) witness->shown.clear();  // the same again, but not at once
        co_await never.wait(clock_, witness->trouble.empty() ? look_every : std::max(every_, look_every));
    }
}

// The next note to be shown, once the one before has been out for long enough.
void Witnesses::refresh(PublicLog& log) {
    if (!shown_.note.empty() && clock_.steady() - shown_.since < every_) return;
    if (auto note = log.log_checkpoint(); note != shown_.note) shown_ = {std::move(note), {}, clock_.steady()};
}

Task<> Witnesses::ask(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool) {
    // Again when the witness says that it has seen another size than we thought.
    const auto note = shown_.note;
    if (!co_await ask_once(witness, log, pool, note)) (void)co_await ask_once(witness, log, pool, note);
    if (witness->lines.empty() || note != shown_.note) co_return;
    shown_.lines += std::exchange(witness->lines, {});
    co_await keep(log, pool);
}

// One write at a time, and the last one has everything.
Task<> Witnesses::keep(PublicLog& log, Pool& pool) {
    has_more_ = true;
    if (is_keeping_) co_return;
    is_keeping_ = true;
    while (std::exchange(has_more_, false)) {
        try {
            co_await on(pool, [&log, cosigned = shown_.note + shown_.lines] { log.keep_witnessed(cosigned); });
        } catch (const Error& e) {
            log::warn("witness", "what the witnesses signed is not kept: {} ({})", e.said, e.logged);
        }
    }
    is_keeping_ = false;
}

// False: `seen` was wrong, and is right now.
Task<bool> Witnesses::ask_once(std::shared_ptr<Asked> witness, PublicLog& log, Pool& pool, std::string note) {
    const auto size = read_note(note).value().size;
    WitnessRequest asked{std::min(witness->seen, size), {}, note};
    asked.proof = co_await on(pool, [&log, from = asked.old_size, size] { return log.consistency(from, size); });
    http::Outgoing request;
    request.method = "POST";
    request.path = path_below(witness->at.url, "add-checkpoint");
    request.headers.add("Content-Type", "text/plain; charset=utf-8");
    request.body = asked.str();
    const auto answer = co_await client_->fetch(witness->at.url.target, std::move(request), answer_max);
    if (!answer) {
        witness->note(fmt::format("it does not answer: {}", answer.error().said));
        co_return true;
    }
    if (const auto seen = answer->status == 409 ? size_in(answer->body) : std::nullopt) {
        if (*seen <= size && *seen != asked.old_size) {
            witness->seen = *seen;
            co_return false;
        }
        witness->note(
            fmt::format("it has seen {} leaves of this log, and there are {}: the ledger is older than what was shown to it. "
                        "Stop Meridian and bring a newer backup back, or begin a new log.",
                        *seen, size));
        co_return true;
    }
    const auto whole = note + answer->body;
    const auto at = answer->status == 200 ? cosigned_at(whole, witness->at.key) : complaint(fmt::format("it answers {}", answer->status));
    if (!at || !*at) {
        witness->note(fmt::format("its answer is not its signature: {}", at ? "none is from its key" : at.error().said));
        co_return true;
    }
    witness->seen = size;
    const auto parts = split_note(whole).value();  // the lines of this witness and no others
    witness->lines.clear();
    for (const auto signature : parts.by(witness->at.key)) witness->lines += signature_line(witness->at.key, signature);
    witness->note("");
    co_return true;
}

}  // namespace meridian::metering
