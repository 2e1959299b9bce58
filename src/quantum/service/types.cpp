#include "quantum/service/types.h"

#include <fmt/format.h>

#include <algorithm>

#include "metering/price.h"

namespace meridian::quantum::service {

namespace {

constexpr std::pair<SessionState, SessionState> session_moves[] = {
    {SessionState::starting, SessionState::running}, {SessionState::starting, SessionState::stopping},
    {SessionState::starting, SessionState::stopped}, {SessionState::running, SessionState::stopping},
    {SessionState::running, SessionState::stopped},  {SessionState::stopping, SessionState::stopped},
};
constexpr std::pair<JobState, JobState> job_moves[] = {
    {JobState::waiting, JobState::completed},    {JobState::waiting, JobState::error},        {JobState::waiting, JobState::cancelled},
    {JobState::waiting, JobState::cancelling},   {JobState::cancelling, JobState::completed}, {JobState::cancelling, JobState::error},
    {JobState::cancelling, JobState::cancelled},
};

std::string duration_words(double seconds) {
    if (seconds < 1e-3) return fmt::format("{:.0f} us", std::max(1.0, seconds * 1e6));
    if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 120) return fmt::format("{:.1f} s", seconds);
    if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
    return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

bool may_move(SessionState from, SessionState to) {
    return std::ranges::find(session_moves, std::pair(from, to)) != std::end(session_moves);
}
bool may_move(JobState from, JobState to) { return std::ranges::find(job_moves, std::pair(from, to)) != std::end(job_moves); }

bool is_final(JobState state) {
    switch (state) {
        case JobState::waiting:
        case JobState::running:
        case JobState::cancelling:
            return false;
        case JobState::completed:
        case JobState::error:
        case JobState::cancelled:
            return true;
    }
    return true;
}

ProcessState state_of(const Job& job, bool is_running) {
    switch (job.state) {
        case JobState::waiting:
        case JobState::running:
            return is_running ? ProcessState::running : ProcessState::starting;
        case JobState::cancelling:
            return ProcessState::cancelling;
        case JobState::completed:
            return ProcessState::completed;
        case JobState::error:
            return ProcessState::error;
        case JobState::cancelled:
            return ProcessState::cancelled;
    }
    return ProcessState::error;
}

std::chrono::milliseconds Booking::charged_time() const {
    if (!began_at || *began_at >= finished_at) return {};
    const auto from = *began_at <= started_at + limits::booking_begins_within ? started_at : *began_at;
    return std::chrono::ceil<std::chrono::milliseconds>(finished_at - std::min(from, finished_at));
}

Money Booking::cost_max() const {
    const auto all = std::chrono::ceil<std::chrono::milliseconds>(finished_at - started_at);
    return metering::cost_of({.per_hour = per_hour}, metering::bounded({.milliseconds = all.count()}));
}

metering::Price Platform::price() const {
    return {.per_hour = facts.per_hour, .per_shot = facts.per_shot, .per_circuit = facts.per_circuit};
}

std::string bytes_words(std::uint64_t bytes) {
    if (bytes >= 1'000'000'000) return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
    if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
    return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
}

std::string in_words(const Quote& quote) {
    auto said = fmt::format("{}: about {} and {}, {} EUR (at most {})", quote.engine, duration_words(quote.seconds),
                            bytes_words(quote.memory_bytes), quote.cost.str(), quote.cost_max.str());
    if (quote.energy) said += fmt::format(", {:.2g} J ({})", static_cast<double>(quote.energy->count()) / 1000, quote.energy_basis);
    if (quote.held_to) said += fmt::format(", held to quote {}", quote.held_to->str());
    return said;
}

}  // namespace meridian::quantum::service
