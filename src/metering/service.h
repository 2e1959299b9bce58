// Every run passes here twice: hold() before, settle() after. Between the two a run is open in the zone's ledger; a run whose
// process died is closed on the next start with what is known. Exactly one receipt a run, and its id is the run's id.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/disk.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/json.h"
#include "base/money.h"
#include "base/rng.h"
#include "geography/types.h"
#include "http/route.h"
#include "keys/keys.h"
#include "metering/books/usage.h"
#include "metering/budget/purses.h"

namespace meridian::metering {

enum class Kind { chat, completion, embedding, deployment_hour, quantum_job, quantum_booking, quantum_session };
enum class Outcome { finished, cancelled, failed, interrupted };  // interrupted: the process died
std::string_view name(Kind kind);
std::string_view name(Outcome outcome);

// Euros for a million tokens, or what a quantum job is charged by. Changing the price list never touches a hold.
struct Price {
    Money input_per_million{}, output_per_million{};
    std::optional<Money> cached_per_million = std::nullopt;  // of input that needed no work; nothing: as other input
    Money per_hour{}, per_shot{}, per_circuit{};
    bool operator==(const Price&) const = default;
};
// Which of the two a kind is charged by; its receipt says only that one.
bool is_by_token(Kind kind);

struct RunStart {
    Kind kind = Kind::chat;
    RunId id{};  // of a row that was written before; nil: one is made
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string api_key = {};  // the access key that it came under; "": none
    std::string model;         // the name that was asked for
    std::string model_digest;  // "sha256:..." of the weights, or "upstream:<host>"
    DeploymentId deployment;
    std::string node;  // where it runs, as far as it is known; "" for an upstream
    Price price;
    QuoteId quote = {};  // nil: none
    // What the run may cost at most; nothing: what it costs. A cost past it is the operator's.
    std::optional<Money> ceiling = std::nullopt;
    // What it takes from hard budgets before it begins, where it has no ceiling; more with Meter::extend.
    Money first_slice = {};
    std::string policy = {};  // the version of the rules that let it in
};

// Commitments to what went in and came out (commitment.h). Nothing where nothing was committed to.
struct Commitments {
    std::optional<Sha256> input = std::nullopt, output = std::nullopt;
};

// How the energy of a run is known: the operator's declared watts by the run's seconds, or the processors' own counter.
enum class EnergyBasis : std::uint8_t { declared_watts, counter };

struct Usage {
    std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
    std::int64_t milliseconds = 0, shots = 0, circuits = 0;  // of a quantum job; a booking has the first
    std::optional<Millijoules> energy = std::nullopt;        // nothing where nothing is known
    EnergyBasis energy_basis = EnergyBasis::declared_watts;  // of `energy`
};

struct Receipt {
    RunId id;
    RunStart start;
    Usage usage;
    Commitments commitments;
    Outcome outcome = Outcome::finished;
    Timestamp started_at, ended_at;
    Duration took{};
    Money cost;
    std::string zone, place, jurisdiction;
    Json json;                // the leaf, exactly as logged (parsed); null from settle, which parses nothing
    std::string leaf;         // the leaf's bytes
    std::int64_t index = -1;  // position among the log's leaves
};

class Meter;
class LedgerMeter;
class PublicLog;    // log/service.h
struct AdminEvent;  // books/event.h
struct EventFilter;
struct EventPage;
// A run under way. Move-only. Destroyed unsettled (an exception passed by), it settles itself as failed with what was noted.
class Hold {
public:
    Hold(Hold&&) noexcept;
    Hold& operator=(Hold&&) = delete;
    ~Hold();
    [[nodiscard]] const RunId& id() const { return id_; }
    // What is known so far, for an unplanned end.
    void note(const Usage& usage) { noted_ = usage; }
    void note_node(std::string node);
    void commit(const Commitments& commitments) { commitments_ = commitments; }
    // Whether a hard budget or a limit by the run rules: it then costs no more than what is reserved.
    [[nodiscard]] bool is_bounded() const { return reservation_.is_bounded(); }
    [[nodiscard]] Money reserved() const { return reservation_.amount(); }

private:
    friend class LedgerMeter;  // the one that makes and settles holds
    Hold() = default;
    Meter* meter_ = nullptr;  // null: settled or moved from
    RunId id_;
    RunStart start_;
    Usage noted_;
    Commitments commitments_;
    Purses::Reservation reservation_;
    Timestamp started_at_;
    Steady started_steady_;
};

// Who enlarges leases: the budgets of the control plane.
class Lender {
public:
    virtual ~Lender() = default;
    // Lends what is wanted, by Meter::lend. Throws Error{quota} when the budget has no more, Error{unavailable} when it cannot be asked.
    virtual Task<> lend(Purses::Wanting wanted) = 0;
};

struct MeterOptions {
    std::string directory;  // "<data>/zones/<zone>/ledger"
    std::uint64_t segment_bytes = 64 << 20;
    Duration commit_every = std::chrono::milliseconds(50);  // group commit: sync and sign at most this late
    std::uint64_t ahead_bytes = 1 << 20;                    // space is taken from the disk in pieces of this size
};

struct ReceiptFilter {
    std::optional<std::vector<ProjectId>> projects;  // nullopt: all of the organization
    OrganizationId organization;
    std::size_t limit = 50;
    std::optional<std::int64_t> before_index;  // newest first
};

class Meter {
public:
    // Replays the ledger: repairs a torn tail, closes open runs as interrupted, refuses a damaged middle with a sentence.
    static expected<std::unique_ptr<Meter>> open(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const keys::SigningKey& key,
                                                 geography::ZoneFacts zone, MeterOptions options);
    virtual ~Meter() = default;

    // Reserves what the run may cost from the budgets it falls under, and writes the opening to the ledger (page cache: survives
    // kill -9). Throws Error{quota} when a budget refuses, Error{unavailable} when the disk is full, or when the budget's lease must
    // grow first, for which `begin` waits. Called on loops.
    virtual Hold hold(RunStart start) = 0;
    virtual Task<Hold> begin(RunStart start) = 0;
    // Reserves more for a run under way. Gives the refusal.
    virtual Task<std::optional<Error>> extend(Hold& hold, Money more) = 0;
    // Writes the receipt (page cache) and returns it. Never throws for a full disk: the space was reserved by hold.
    virtual Receipt settle(Hold&& hold, const Usage& usage, Outcome outcome) = 0;
    // Ends when everything appended before is synced and under a signed checkpoint.
    virtual Task<> durable() = 0;
    // Runs the group commit until cancelled; spawn once.
    virtual Task<> run_commits() = 0;
    // Last sync and checkpoint; blocking; at shutdown.
    virtual void close() = 0;

    virtual std::optional<Receipt> find(const RunId& id) = 0;
    virtual std::vector<Receipt> list(const ReceiptFilter& filter) = 0;
    // Everybody's from `index` on, the oldest first; of more than `limit`, the newest.
    virtual std::vector<Receipt> since(std::int64_t index, std::size_t limit) = 0;
    // The run whose receipt names the quote.
    virtual std::optional<RunId> run_of(const QuoteId& quote) = 0;
    // What `meridian verify` checks offline: leaf, inclusion proof, signed checkpoint, the zone's public key. Waits for the commit. An
    // event's, too, by its id.
    virtual Task<Json> proof(RunId id) = 0;
    // The leaf as a compact JWS (EdDSA, RFC 8037) over its bytes, under the same key. Waits for the commit.
    virtual Task<std::string> jws(RunId id) = 0;
    virtual std::string checkpoint() = 0;  // newest signed note
    virtual std::string verifier_key() = 0;
    virtual PublicLog& log() = 0;  // what anybody may see

    // Budgets of this zone (budget/): those there are, what it may spend of them, and who lends more.
    virtual void know_budgets(const std::vector<Budget>& budgets) = 0;
    virtual void lend(const Lease& lease) = 0;
    virtual std::optional<Lease> give_back(const BudgetId& budget, Timestamp from, Money keep) = 0;
    virtual std::optional<Purses::State> budget(const BudgetId& budget, Timestamp t) = 0;
    virtual std::vector<BudgetId> take_touched_budgets() = 0;
    virtual void borrow_from(Lender* lender) = 0;  // null: nobody

    struct Sums {
        std::int64_t runs = 0, input_tokens = 0, output_tokens = 0;
        Money cost;
    };
    virtual Sums sums(const ProjectId& project) = 0;
    // What the receipts of a scope cost that began in [from, to), widened to whole quarter hours. Holds up nobody, nor waits long.
    virtual Money spent(const Scope& scope, Timestamp from, Timestamp to) = 0;
    // The quarter hour in which a scope's first run began.
    virtual std::optional<Timestamp> first_run(const Scope& scope) = 0;
    // For periods and combinations by the thousand; call it on a pool.
    virtual std::vector<UsageRow> usage(const UsageQuery& query) = 0;

    // Appends a change as a leaf, unless it is there already (page cache, as `settle`). Throws Error{unavailable} when the disk is full.
    // Blocking.
    virtual void log_event(const AdminEvent& event) = 0;
    // Newest first. Reads the leaves; blocking.
    virtual EventPage events(const EventFilter& filter) = 0;

    struct Verdict {
        bool good = false;
        std::string said;
        std::int64_t receipts = 0, checkpoints = 0;
    };
    // The whole ledger against its checkpoints, and their keys against the one that the reader trusts, if any. Blocking, read-only.
    // `helper` does a part of the work, where there is one.
    static Verdict verify_directory(Disk& disk, const std::string& directory, std::string_view trusted_key = {}, Pool* helper = nullptr);
    // A file that `proof` gave. `trusted_key`: the verifier key the reader trusts; empty takes the file's own and says so. `chain`: what
    // /log/{zone}/chain gave, for a trusted key of the same log from before or after the file's.
    static Verdict verify_file(std::string_view text, std::string_view trusted_key, std::string_view chain = {});
};

// GET /meridian/v1/receipts, /receipts/{id}, and the public log's
void add_routes(http::Router& router, Meter& meter, Pool& pool, const geography::Zone& zone);

}  // namespace meridian::metering
