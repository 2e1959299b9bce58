// What is left of every budget in this zone, as runs meet it: reserve before, settle after.
//
// A hard budget is spent from leases (Lease): a run is let in when what was spent, what is reserved and what it reserves fit what was
// lent to this zone. What was spent is the sum of the receipts of the budget's scope whose runs began in its window, and nothing else,
// so that a restart, a clock that jumps and a budget that was changed all come to the same number. Money is only reserved here, never
// kept. Not locked: its owner does that, and holds the same lock while it adds a receipt to the books and settles the run here.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "metering/budget/types.h"
#include "metering/by_scope.h"

namespace meridian::metering {

struct RunStart;

class Purses {
    struct Purse;
    struct Window;

public:
    using Spent = std::function<Money(const Scope& scope, const Span& window)>;
    explicit Purses(Spent spent);
    ~Purses();

    // The budgets there are now. Reservations stay.
    void know(const std::vector<Budget>& budgets);
    // What this zone may spend of a window from now on. Of a budget that is not known it is forgotten.
    void lend(const Lease& lease);

    // Why a run may not begin, or not go on.
    struct Refusal {
        Budget budget;
        Money used;  // spent, unaccounted and reserved by others
        Money asked;
        std::optional<Timestamp> until;  // when the window ends; nothing where it never does
    };
    // The lease is too small, though the budget may not be used up.
    struct Wanting {
        BudgetId budget;
        Timestamp from;
        Money more;
    };
    class Reservation {
    public:
        [[nodiscard]] Money amount() const { return amount_; }
        // Whether some hard budget or limit holds the run to `amount`.
        [[nodiscard]] bool is_bounded() const { return is_bounded_; }

    private:
        friend class Purses;
        Money amount_;
        bool is_bounded_ = false;
        std::vector<std::shared_ptr<Window>> windows_;
        std::vector<std::shared_ptr<const Purse>> run_limits_;
    };
    template <class T>
    using Answer = std::variant<T, Refusal, Wanting>;
    Answer<Reservation> reserve(const RunStart& start, Money amount, Timestamp now);
    // More for a run under way.
    Answer<std::monostate> extend(Reservation& reservation, Money more, Timestamp now);
    // Gives the reservation back. Once.
    void release(Reservation& reservation);
    // A receipt was added to the books: its run began then and cost so much.
    void spent(const RunStart& start, Timestamp started_at, Money cost);

    // For those who lend, tell and show.
    struct State {
        Budget budget;
        Span window;
        Money spent, reserved, granted, unaccounted;
        std::optional<Timestamp> lease_expires_at;
    };
    // The window that `t` is in; nothing for an unknown budget and for limits by the run.
    std::optional<State> state(const BudgetId& budget, Timestamp t);
    // Budgets with receipts since the last call.
    std::vector<BudgetId> take_touched();
    // Lowers what is lent of a window to what is spent and reserved there and a little more, and says to how much.
    std::optional<Lease> give_back(const BudgetId& budget, Timestamp from, Money keep);

private:
    using Objection = std::variant<Refusal, Wanting>;
    template <class F>
    void for_each_of(const RunStart& start, F f) const;
    [[nodiscard]] std::shared_ptr<Window> window_at(Purse& purse, Timestamp t) const;
    [[nodiscard]] static std::optional<Objection> objection(const Window& window, Money more, Timestamp now);
    [[nodiscard]] static std::optional<Objection> objection(const Purse& run_limit, Money amount);

    Spent spent_;
    std::unordered_map<BudgetId, std::shared_ptr<Purse>> purses_;
    ByScope<Purse> by_scope_;
    std::vector<std::shared_ptr<Purse>> touched_;
};

}  // namespace meridian::metering
