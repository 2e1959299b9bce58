// Quotes of jobs before they are submitted, by the same reading and the same engine's estimate as their runs.
#pragma once
#include <atomic>
#include <string>
#include <string_view>

#include "metering/quote/estimator.h"
#include "quantum/service/computer.h"
#include "quantum/service/service.h"

namespace meridian::quantum::service {

class Estimates final : public metering::Estimator {
public:
    // `home`: where the computer is asked. `node` runs the jobs.
    Estimates(Quantum& quantum, Computer& computer, std::string node, Rng& rng, Executor home)
        : quantum_(quantum), computer_(computer), node_(std::move(node)), rng_(rng), home_(std::move(home)) {}

    Task<metering::Estimate> estimate(identity::Caller caller, ProjectId project, metering::QuoteKind kind, Json request) override;

private:
    Quantum& quantum_;
    Computer& computer_;
    std::string node_;
    Rng& rng_;
    Executor home_;
    std::atomic<std::size_t> running_{0};
};

// Which request a job is: its program's digest with what its parameters ask for. The complaint is a sentence.
expected<std::string> request_digest(std::string_view program_digest, std::string_view parameters);

namespace limits {
inline constexpr std::size_t estimates_at_once = 4;
}

}  // namespace meridian::quantum::service
