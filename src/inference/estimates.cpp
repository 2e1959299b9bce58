#include "inference/estimates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "resource/json_bind.h"

namespace meridian::inference {
namespace {

using metering::Estimate;
using metering::Offer;
using metering::QuoteKind;

constexpr std::size_t counted_answer_max = 64 * 1024 * 1024;
constexpr double token_guess = 0.02;  // seconds for a token, before anything was seen

[[noreturn]] void wrong(std::string field, std::string said) {
    throw Error(Fault::invalid, said).with({std::move(field), FieldProblem::Reason::constraint, said});
}

Operation operation_of(QuoteKind kind) {
    return kind == QuoteKind::completion ? Operation::completion : kind == QuoteKind::embedding ? Operation::embedding : Operation::chat;
}

std::string_view word_of(Operation operation) {
    return operation == Operation::chat ? "chat" : operation == Operation::completion ? "completion" : "embedding";
}

// What a request writes at most, when it reads `input`. A context that nobody knows bounds nothing.
std::int64_t output_at_most(const Asked& asked, const Served& served, std::int64_t input) {
    if (asked.operation == Operation::embedding) return 0;
    const auto context = static_cast<std::int64_t>(served.context);
    const auto room = context > 0 ? std::max<std::int64_t>(context - input, 1) : std::numeric_limits<std::int32_t>::max();
    return std::min(asked.output_max.value_or(room), context > 0 ? context : room) * asked.choices;
}

std::int64_t bounded_input(const Asked& asked, const Served& served) {
    const auto most = input_at_most(asked);
    // An embedding's texts are read one by one, each with a context of its own.
    return served.context > 0 && asked.operation != Operation::embedding ? std::min<std::int64_t>(most, served.context) : most;
}

}  // namespace

struct BatchGroup {
    std::int64_t count = 1;
    std::optional<std::int64_t> input_tokens, input_bytes, max_tokens;
};
constexpr auto describe(As<BatchGroup>) {
    using B = BatchGroup;
    constexpr range tokens{0, std::int64_t{1} << 32};
    return fields(field("count", &B::count, range{1, limits::batch_count}, defaulted), field("input_tokens", &B::input_tokens, tokens),
                  field("input_bytes", &B::input_bytes, tokens), field("max_tokens", &B::max_tokens, tokens))
        .strict();
}
struct BatchRequest {
    std::optional<std::string> model, endpoint, jsonl;
    std::vector<BatchGroup> requests;
};
constexpr auto describe(As<BatchRequest>) {
    using B = BatchRequest;
    return fields(field("model", &B::model), field("endpoint", &B::endpoint, one_of{"chat", "completion", "embedding"}),
                  field("jsonl", &B::jsonl), field("requests", &B::requests, at_most{limits::batch_groups}))
        .strict();
}
struct DeploymentRequest {
    std::string model;
    std::optional<std::string> node_type;
    std::int64_t hours = 0, replicas = 1;
};
constexpr auto describe(As<DeploymentRequest>) {
    using D = DeploymentRequest;
    return fields(field("model", &D::model), field("node_type", &D::node_type), field("hours", &D::hours, range{1, limits::quoted_hours}),
                  field("replicas", &D::replicas, range{1, limits::deployment_size}, defaulted))
        .strict();
}

namespace {

// A batch's requests added up.
struct Sum {
    std::string model;
    Operation operation = Operation::chat;
    std::int64_t requests = 0;
    metering::Usage usage;
    metering::Work work;
};

void add_request(Sum& sum, std::int64_t count, std::int64_t input, std::int64_t output) {
    const auto work = metering::token_work(input, output);
    sum.requests += count;
    const auto most = [](std::int64_t tokens, std::int64_t times, std::int64_t before) {
        const auto all = static_cast<__int128>(tokens) * times + before;
        if (all > metering::tokens_max) wrong("request", "The batch is too large to be quoted; split it.");
        return static_cast<std::int64_t>(all);
    };
    sum.usage.input_tokens = most(input, count, sum.usage.input_tokens);
    sum.usage.output_tokens = most(output, count, sum.usage.output_tokens);
    sum.work.certain += work.certain * static_cast<double>(count);
    sum.work.open += work.open * static_cast<double>(count);
}

// One line of an OpenAI batch file: {"custom_id", "method", "url", "body"}.
struct Line {
    Operation operation;
    Asked asked;
};
Line line_of(std::string_view text, std::size_t number) {
    const auto json = parse_json(text);
    const auto at = fmt::format("jsonl line {}", number);
    if (!json) throw Error(Fault::invalid, fmt::format("{}: {}", at, json.error().said));
    const auto* url = text_member(*json, "url");
    const auto* body = member(*json, "body");
    const auto where = url ? view(*url) : std::string_view();
    const auto operation = where == "/v1/chat/completions" ? std::optional(Operation::chat)
                           : where == "/v1/completions"    ? std::optional(Operation::completion)
                           : where == "/v1/embeddings"     ? std::optional(Operation::embedding)
                                                           : std::nullopt;
    if (!operation || !body) wrong(at, fmt::format("{}: a line has a 'url' such as /v1/chat/completions, and a 'body'.", at));
    try {
        return {*operation, read_request(*operation, to_text(*body))};
    } catch (Error& error) {
        error.said = fmt::format("{}: {}", at, error.said);
        throw;
    }
}

}  // namespace

std::shared_ptr<const Served> Estimates::served_to(const identity::Caller& caller, const std::string& model) const {
    for (auto& served : gateway_.visible_to(caller))
        if (served->model == model) return served;
    throw Error(Fault::not_found,
                fmt::format("The model '{}' does not exist or is not deployed; GET /v1/models lists what is served.", model))
        .about("model", model);
}

Offer Estimates::offer_of(const Served& served) const {
    Offer made{.zone = deployments_.zone().str(), .node_type = served.node_type};
    made.guess = token_guess;
    return made;
}

Task<Estimate> Estimates::estimate(identity::Caller caller, ProjectId project, QuoteKind kind, Json request) {
    if (kind == QuoteKind::batch) co_return of_batch(caller, request);
    if (kind == QuoteKind::deployment) co_return of_deployment(project, request);
    co_return co_await of_request(std::move(caller), kind, std::move(request));
}

Task<Estimate> Estimates::of_request(identity::Caller caller, QuoteKind kind, Json request) {
    const auto asked = read_request(operation_of(kind), to_text(request));
    const auto served = served_to(caller, asked.model);
    check_against(asked, *served);
    auto offer = offer_of(*served);
    offer.rates = gateway_.price_of(*served);
    const auto counted = co_await count_tokens(asked, *served);
    const auto input = counted.value_or(bounded_input(asked, *served));
    const metering::Usage most{.input_tokens = input, .output_tokens = output_at_most(asked, *served, input)};
    price_offer(offer, most);
    const bool is_certain =
        counted && (most.output_tokens == 0 || offer.rates.output_per_million == Money()) && !offer.rates.cached_per_million;
    offer.binding = is_certain ? metering::Binding::exact : metering::Binding::ceiling;
    offer.work = metering::token_work(input, most.output_tokens);
    offer.interval = metering::interval_of(word(kind), asked.model, served->backends.empty() ? "" : served->backends.front().node);
    Estimate made{.model = asked.model, .digest = digest_of(asked), .offers = {}};
    made.offers.push_back(std::move(offer));
    co_return made;
}

Estimate Estimates::of_batch(const identity::Caller& caller, const Json& request) const {
    const auto in = from_json<BatchRequest>(request, {.at = "request"});
    if (in.jsonl.has_value() == !in.requests.empty())
        wrong("request", "A batch is quoted by its 'jsonl', or by a 'model' and the sizes of its 'requests'.");
    Sum sum;
    if (in.jsonl) {
        std::shared_ptr<const Served> served;
        std::size_t number = 0;
        for (std::string_view rest = *in.jsonl; !rest.empty();) {
            const auto end = std::min(rest.find('\n'), rest.size());
            const auto text = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            ++number;
            if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            if (number > limits::batch_lines) wrong("request.jsonl", fmt::format("A batch has at most {} lines.", limits::batch_lines));
            const auto line = line_of(text, number);
            if (!served) {
                served = served_to(caller, line.asked.model);
                sum.model = line.asked.model;
                sum.operation = line.operation;
            }
            if (line.asked.model != sum.model || line.operation != sum.operation)
                wrong("request.jsonl", fmt::format("jsonl line {}: all requests of a batch have one model and one url.", number));
            check_against(line.asked, *served);
            const auto input = bounded_input(line.asked, *served);
            add_request(sum, 1, input, output_at_most(line.asked, *served, input));
        }
        if (!served) wrong("request.jsonl", "The batch has no request.");
    } else {
        if (!in.model) wrong("request.model", "Say the 'model' of the batch.");
        sum.model = *in.model;
        sum.operation = in.endpoint == "embedding"    ? Operation::embedding
                        : in.endpoint == "completion" ? Operation::completion
                                                      : Operation::chat;
        const auto served = served_to(caller, sum.model);
        for (const auto& group : in.requests) {
            if (group.input_tokens.has_value() == group.input_bytes.has_value())
                wrong("request.requests", "Each entry says 'input_tokens' or 'input_bytes'.");
            const Asked like{.operation = sum.operation,
                             .model = sum.model,
                             .output_max = sum.operation == Operation::embedding ? std::nullopt : group.max_tokens,
                             .body = {},
                             .text_bytes = static_cast<std::size_t>(group.input_bytes.value_or(0))};
            const auto input = group.input_tokens.value_or(bounded_input(like, *served));
            add_request(sum, group.count, input, output_at_most(like, *served, input));
        }
    }
    const auto served = served_to(caller, sum.model);
    auto offer = offer_of(*served);
    if (!served->is_by_the_hour) offer.rates = prices_.now(sum.model, served->price, metering::Tier::batch);
    price_offer(offer, sum.usage);
    offer.work = sum.work;
    const auto node = served->backends.empty() ? "" : served->backends.front().node;
    offer.interval = metering::interval_of(word_of(sum.operation), sum.model, node);
    Estimate made{.model = sum.model, .digest = canonical_digest("batch", request.get_object()), .offers = {}};
    made.offers.push_back(std::move(offer));
    return made;
}

Estimate Estimates::of_deployment(ProjectId project, const Json& request) const {
    const auto in = from_json<DeploymentRequest>(request, {.at = "request"});
    if (in.hours * in.replicas > limits::quoted_hours)
        wrong("request.hours", fmt::format("At most {} hours of all replicas are quoted at once.", limits::quoted_hours));
    const auto model = catalog_.find(std::string_view(in.model));
    if (!model || (model->project && *model->project != project))
        throw Error(Fault::not_found, "There is no model of that name in the catalogue.").about("model", in.model);
    Estimate made{.model = in.model, .digest = canonical_digest("deployment", request.get_object()), .offers = {}};
    std::string why_not = "no node offers it";
    for (const auto& type : deployments_.node_types()) {
        if (in.node_type && *in.node_type != type.name) continue;
        const auto runtime = runtime_for(deployments_.runtimes().all, *model, type);
        if (!runtime || need_on(*model, type, deployments_.runtimes()).memory_bytes > type.memory_bytes) {
            why_not = runtime ? fmt::format("{} has too little memory", type.name) : runtime.error().said;
            continue;
        }
        Offer offer{.zone = deployments_.zone().str(), .node_type = type.name, .binding = metering::Binding::exact};
        offer.rates.per_hour = prices_.rate_now(type.name, metering::Unit::node_second).value_or(Money());
        price_offer(offer, {.milliseconds = in.hours * in.replicas * 3'600'000});
        const auto seconds = static_cast<double>(in.hours) * 3600;
        offer.seconds = {.expected = seconds, .low = seconds, .high = seconds};
        offer.nodes = static_cast<std::uint32_t>(in.replicas);
        made.offers.push_back(std::move(offer));
        if (made.offers.size() == metering::limits::quote_offers) break;
    }
    if (made.offers.empty()) wrong("request.node_type", fmt::format("The model cannot be deployed so: {}.", why_not));
    return made;
}

// --- Tokens, as the runtime counts them.

Task<std::optional<Json>> Estimates::ask(const Backend& backend, std::string path, std::string body) {
    http::Outgoing out;
    out.method = "POST";
    out.path = std::move(path);
    out.headers.add("Content-Type", "application/json");
    if (!backend.bearer.empty()) out.headers.add("Authorization", "Bearer " + backend.bearer);
    out.body = std::move(body);
    auto& client = client_(co_await asio::this_coro::executor);
    const auto answer = co_await client.fetch(backend.target, std::move(out), counted_answer_max);
    if (!answer || answer->status != 200) co_return std::nullopt;
    auto json = parse_json(answer->body);
    if (!json) co_return std::nullopt;
    co_return *std::move(json);
}

Task<std::optional<std::int64_t>> Estimates::count_text(const Backend& backend, std::string_view text) {
    const auto answer =
        co_await ask(backend, "/tokenize", to_text(JsonObject{{"content", text}, {"add_special", true}, {"parse_special", true}}));
    const auto* tokens = answer ? member(*answer, "tokens") : nullptr;
    if (!tokens || !tokens->is_array()) co_return std::nullopt;
    co_return static_cast<std::int64_t>(tokens->get_array().size());
}

Task<std::optional<std::int64_t>> Estimates::count_tokens(const Asked& asked, const Served& served) {
    const auto backend = std::ranges::find_if(served.backends, &Backend::counts_tokens);
    if (backend == served.backends.end()) co_return std::nullopt;
    if (asked.operation == Operation::chat) {
        if (to_text(asked.body.at("messages")).find("\"image_url\"") != std::string::npos) co_return std::nullopt;
        const auto filled = co_await ask(*backend, "/apply-template", body_for(asked, *backend));
        const auto* prompt = filled ? text_member(*filled, "prompt") : nullptr;
        if (!prompt) co_return std::nullopt;
        co_return co_await count_text(*backend, view(*prompt));
    }
    const auto& texts = asked.body.at(asked.operation == Operation::embedding ? "input" : "prompt");
    if (texts.is_string()) co_return co_await count_text(*backend, view(texts.get_string()));
    std::int64_t all = 0;
    if (texts.get_array().size() > limits::counted_texts) co_return std::nullopt;
    for (const auto& text : texts.get_array()) {
        if (!text.is_string()) co_return std::nullopt;
        const auto one = co_await count_text(*backend, view(text.get_string()));
        if (!one) co_return std::nullopt;
        all += *one;
    }
    co_return all;
}

}  // namespace meridian::inference
