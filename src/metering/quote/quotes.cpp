#include "metering/quote/quotes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/hash.h"
#include "metering/books/footprint.h"
#include "metering/quote/store.h"

namespace meridian::metering {
namespace {

constexpr Duration count_every = std::chrono::seconds(1);
constexpr double certain_work = 8;         // of a chat that says nothing: reading the request, the first token
constexpr double input_token_work = 0.05;  // reading a token takes so much of writing one

}  // namespace

Error no_quote(std::string_view id) {
    return Error(Fault::not_found, "There is no quote with this id.").about("quote", std::string(id.substr(0, 64)));
}

QuoteId quote_named(std::string_view text) {
    if (const auto id = QuoteId::parse(text)) return *id;
    throw no_quote(text);
}

void price_offer(Offer& offer, const Usage& most) {
    // Cached tokens may cost less or more than others; nobody knows before how many there will be.
    const Cost none(offer.rates, most, std::nullopt);
    auto cached = most;
    cached.cached_tokens = most.input_tokens;
    const Cost all(offer.rates, cached, std::nullopt);
    const auto& cost = all.total() > none.total() ? all : none;
    offer.price = cost.total();
    offer.lines.clear();
    for (const auto& line : cost.lines()) offer.lines.push_back({std::string(line.unit), line.quantity, line.amount});
}

Work token_work(std::int64_t input, std::int64_t output) {
    return {.certain = certain_work + input_token_work * static_cast<double>(input), .open = static_cast<double>(output)};
}
std::string interval_of(std::string_view kind, std::string_view model, std::string_view node) {
    return fmt::format("{}|{}|{}", kind, model, node);
}

Quotes::Quotes(store::Store& store, Meter& meter, const keys::SealingKey& key, Clock& clock, Rng& rng, Pool& files,
               geography::ZoneFacts zone)
    : store_(store), meter_(meter), key_(key), clock_(clock), rng_(rng), files_(files), zone_(std::move(zone)) {}

// The digest of a short request could be guessed from its row, so it is kept under a key.
std::string Quotes::marked(std::string_view digest) const { return base64url(as_view(key_.mac(digest, "quotes"))); }

void Quotes::load() {
    const auto since = clock_.now() - std::chrono::duration_cast<Timestamp::duration>(limits::quote_remembered);
    const auto all = store_.read_now([&](store::Tx& tx) { return rows::quotes_until(tx, since, limits::quotes_open); });
    for (const auto& quote : all) remember(quote, meter_.run_of(quote.id).has_value());
}

Quotes::Open Quotes::open_of(const Quote& quote) {
    const auto& offer = quote.offers.front();
    return {.project = quote.project,
            .kind = quote.kind,
            .model = quote.model,
            .digest = quote.digest,
            .price = offer.rates,
            .ceiling = offer.price,
            .interval = offer.interval,
            .work = offer.work,
            .promised = offer.seconds,
            .valid_until = quote.valid_until};
}

void Quotes::remember(const Quote& quote, bool is_used) {
    auto open = open_of(quote);
    open.is_used = is_used;
    const std::lock_guard lock(mutex_);
    if (!is_used && open.valid_until > clock_.now()) ++usable_[open.project];
    open_.insert_or_assign(quote.id, std::move(open));
}

// Under the mutex.
void Quotes::forget_old(Timestamp now) {
    if (now < counted_at_ + count_every && now >= counted_at_ && open_.size() < limits::quotes_open) return;
    counted_at_ = now;
    usable_.clear();
    const auto keep = open_.size() < limits::quotes_open ? limits::quote_remembered : Duration::zero();
    std::erase_if(open_,
                  [&](const auto& each) { return each.second.valid_until + std::chrono::duration_cast<Timestamp::duration>(keep) <= now; });
    for (const auto& [id, open] : open_)
        if (!open.is_used && open.valid_until > now) ++usable_[open.project];
}

void Quotes::check_room(const ProjectId& project) {
    const std::lock_guard lock(mutex_);
    forget_old(clock_.now());
    const auto usable = usable_.find(project);
    if (usable != usable_.end() && usable->second >= limits::quotes_open_per_project)
        throw Error(Fault::quota, fmt::format("A project has at most {} quotes that can still be used; use some, or wait {} minutes.",
                                              limits::quotes_open_per_project,
                                              std::chrono::duration_cast<std::chrono::minutes>(limits::quote_validity).count()));
    if (open_.size() >= limits::quotes_open)
        throw Error(Fault::busy, "There are too many quotes at the moment; try again shortly.").after(std::chrono::seconds(10));
}

// Time, energy and what the energy stands for, as far as the estimator has not said them.
void Quotes::foretell(Offer& offer) {
    if (!offer.interval.empty()) offer.seconds = intervals_.predict(offer.interval, offer.work, offer.guess);
    const auto watts = zone_.declared ? zone_.declared->node_watts : std::nullopt;
    if (!offer.energy && watts && !offer.node_type.empty()) {
        offer.energy = Millijoules(static_cast<std::int64_t>(std::min(offer.seconds.expected * *watts * offer.nodes * 1000, 9e15)));
        offer.energy_basis = "declared_watts";
    }
    if (offer.energy && offer.zone == zone_.name.str()) offer.co2_milligrams = co2_milligrams_of(*offer.energy, zone_);
}

Task<SeenQuote> Quotes::create(identity::Caller caller, QuoteWish wish) {
    const auto project = wish.project.value_or(caller.project);
    co_await store_.read([caller, project](store::Tx& tx) { identity::check_project(tx, caller, project); });
    const auto estimator = estimators_.find(wish.kind);
    if (estimator == estimators_.end())
        throw Error(Fault::invalid, fmt::format("There are no quotes for the kind '{}' here.", word(wish.kind)))
            .with({"kind", FieldProblem::Reason::constraint, "not offered here"});
    check_room(project);
    auto estimate = co_await estimator->second->estimate(caller, project, wish.kind, std::move(wish.request));
    MERIDIAN_ASSERT(!estimate.offers.empty() && estimate.offers.size() <= limits::quote_offers);
    co_await on(files_, [this] { learn(); });
    Quote made{.id = {},
               .organization = caller.organization,
               .project = project,
               .principal = caller.principal,
               .kind = wish.kind,
               .model = std::move(estimate.model),
               .digest = marked(estimate.digest),
               .offers = std::move(estimate.offers),
               .created_at = clock_.now(),
               .valid_until = {}};
    made.id = QuoteId(Uuid::ordered(rng_, std::chrono::floor<std::chrono::milliseconds>(made.created_at).time_since_epoch().count()));
    made.valid_until = made.created_at + std::chrono::duration_cast<Timestamp::duration>(limits::quote_validity);
    for (auto& offer : made.offers) foretell(offer);
    co_await store_.write([&made](store::Tx& tx) {
        rows::remove_quotes_before(tx, made.created_at - std::chrono::duration_cast<Timestamp::duration>(limits::quote_kept));
        rows::insert(tx, made);
    });
    remember(made, false);
    co_return seen(std::move(made));
}

SeenQuote Quotes::seen(Quote quote) {
    SeenQuote made{.quote = std::move(quote)};
    made.run = meter_.run_of(made.quote.id);
    bool is_used = made.run.has_value();
    if (!is_used) {
        const std::lock_guard lock(mutex_);
        const auto found = open_.find(made.quote.id);
        is_used = found != open_.end() && found->second.is_used;
    }
    made.state = is_used ? QuoteState::used : clock_.now() >= made.quote.valid_until ? QuoteState::expired : QuoteState::open;
    return made;
}

Task<SeenQuote> Quotes::get(identity::Caller caller, QuoteId id) {
    auto found = co_await store_.read([id](store::Tx& tx) { return rows::quote(tx, id); });
    if (!found || found->organization != caller.organization || !caller.may_see(found->project)) throw no_quote(id.str());
    co_return seen(*std::move(found));
}

Task<std::vector<SeenQuote>> Quotes::list(identity::Caller caller, std::optional<QuoteId> before, std::size_t limit) {
    auto found = co_await store_.read([caller, before, limit](store::Tx& tx) {
        rows::QuoteFilter filter{.organization = caller.organization, .projects = {}, .before = before, .limit = limit};
        if (!caller.reach.is_everywhere()) filter.projects.emplace(caller.reach.projects().begin(), caller.reach.projects().end());
        return rows::quotes(tx, filter);
    });
    std::vector<SeenQuote> made;
    made.reserve(found.size());
    for (auto& quote : found) made.push_back(seen(std::move(quote)));
    co_return made;
}

Claimed Quotes::claim(const QuoteId& id, const Claim& by) {
    const auto digest = by.digest ? std::optional(marked(*by.digest)) : std::nullopt;
    const auto now = clock_.now();
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.project != by.project) throw no_quote(id.str());
    auto& open = found->second;
    if (open.is_used)
        throw Error(Fault::conflict, "This quote was used by a run already; ask for another one.")
            .about("quote", id.str())
            .in_state("used");
    if (now >= open.valid_until)
        throw Error(Fault::gone, fmt::format("This quote was valid until {}; ask for another one.", rfc3339(open.valid_until)))
            .about("quote", id.str());
    if (open.kind != by.kind || open.model != by.model || (digest && open.digest != *digest))
        throw Error(Fault::conflict,
                    fmt::format("This quote is for another request ({} with {}); ask for one for this.", word(open.kind), open.model))
            .about("quote", id.str())
            .in_state("open");
    open.is_used = true;
    return {open.price, open.ceiling};
}

void Quotes::keep(const QuoteId& id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(id); found != open_.end()) found->second.is_used = true;
}

void Quotes::release(const QuoteId& id) {
    if (meter_.run_of(id)) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(id); found != open_.end()) found->second.is_used = false;
}

void Quotes::learn() {
    const std::lock_guard lock(learning_);
    const auto fresh = meter_.since(learned_, limits::receipts_learned);
    for (const auto& receipt : fresh) learn_from(receipt);
    if (!fresh.empty()) learned_ = fresh.back().index + 1;
}

void Quotes::learn_from(const Receipt& receipt) {
    if (receipt.outcome != Outcome::finished) return;
    const auto key = interval_of(name(receipt.start.kind), receipt.start.model, receipt.start.node);
    const double seconds = std::chrono::duration<double>(receipt.took).count();
    std::optional<Open> quoted;
    if (!receipt.start.quote.is_nil()) {
        const std::lock_guard lock(mutex_);
        if (const auto found = open_.find(receipt.start.quote); found != open_.end() && found->second.interval == key)
            quoted = found->second;
    }
    if (quoted) intervals_.judge(key, quoted->promised, seconds);
    if (is_by_token(receipt.start.kind)) {
        const auto done = token_work(receipt.usage.input_tokens, receipt.usage.output_tokens);
        intervals_.add(key, done, seconds, quoted && done.open >= quoted->work.open);
    } else if (quoted) {
        // What an engine estimated is not in the receipt.
        intervals_.add(key, quoted->work, seconds, true);
    }
}

}  // namespace meridian::metering
