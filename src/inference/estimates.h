// Quotes of what this room runs: chats, completions, embeddings, batches of them, and the hours of a deployment.
#pragma once
#include "inference/gateway.h"
#include "inference/request_bounds.h"
#include "inference/service.h"
#include "metering/quote/estimator.h"

namespace meridian::inference {

class Estimates final : public metering::Estimator {
public:
    Estimates(const Gateway& gateway, const Deployments& deployments, const catalog::Catalog& catalog, const metering::Prices& prices,
              ClientHere client)
        : gateway_(gateway), deployments_(deployments), catalog_(catalog), prices_(prices), client_(std::move(client)) {}

    Task<metering::Estimate> estimate(identity::Caller caller, ProjectId project, metering::QuoteKind kind, Json request) override;

private:
    [[nodiscard]] std::shared_ptr<const Served> served_to(const identity::Caller& caller, const std::string& model) const;
    Task<metering::Estimate> of_request(identity::Caller caller, metering::QuoteKind kind, Json request);
    [[nodiscard]] metering::Estimate of_batch(const identity::Caller& caller, const Json& request) const;
    [[nodiscard]] metering::Estimate of_deployment(ProjectId project, const Json& request) const;
    // By the runtime that will read it; nothing where it does not say.
    Task<std::optional<std::int64_t>> count_tokens(const Asked& asked, const Served& served);
    Task<std::optional<std::int64_t>> count_text(const Backend& backend, std::string_view text);
    Task<std::optional<Json>> ask(const Backend& backend, std::string path, std::string body);
    [[nodiscard]] metering::Offer offer_of(const Served& served) const;

    const Gateway& gateway_;
    const Deployments& deployments_;
    const catalog::Catalog& catalog_;
    const metering::Prices& prices_;
    ClientHere client_;
};

namespace limits {
inline constexpr std::size_t batch_lines = 50'000, batch_groups = 1'000;
inline constexpr std::int64_t batch_count = 1'000'000, quoted_hours = 300'000;
inline constexpr std::size_t counted_texts = 256;  // of one request; longer lists are bounded by their bytes
}  // namespace limits

}  // namespace meridian::inference
