#include "quantum/engines/statevector/schedule.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.h"

// List scheduling. Items on a common wire may change places when both are diagonal in it; everything else keeps its order, which gives a
// graph of who waits for whom. A segment grows from one start: it takes every ready item whose moved wires lie in its block, and when there
// is none, it takes another wire into the block; when the block is full, it takes diagonal items if these make another ready. Several
// starts are tried, and with each the other order of the two; the one that gets most work done in its pass is kept.
//
// While wires are still 0, a segment costs only the part of the state that is not. The one that saves most against doing its work later, on
// all of the state, comes first; and if one that leaves more wires at 0 can do much of that on a smaller part still, it comes before.
namespace meridian::quantum {
namespace {

constexpr std::uint64_t work_of_a_polynomial = 6;
constexpr double work_of_a_sweep = 30;
constexpr double part_worth_dividing = 1.0 / 32;
constexpr int wires_left_at_zero[] = {1, 2, 3, 5, 8};  // tried beside none
constexpr int block_bits_least = 12;                   // of these; a small block is soon over, and kernels take time to begin
constexpr std::size_t starts_of_these = 4;             // at most, and half of the others
constexpr int block_bits_full = 13;
constexpr std::size_t items_for_all_starts = 20'000;  // longer lists are scheduled from few starts, so that planning stays short

std::uint64_t work_of(const Items& items, const Item& item) {
    switch (item.kind) {
        case Item::Kind::rotation:
            return 5;
        case Item::Kind::pair:
            return 17;
        case Item::Kind::interaction:
            return 12;
        case Item::Kind::conditional:
            return 6;
        case Item::Kind::matrix:
            return std::uint64_t{4} << items.matrices[item.index].wires.size();
        case Item::Kind::phase:
        case Item::Kind::flag:
            return 0;
    }
    return 0;
}

class Scheduler {
public:
    Scheduler(const Items& items, const BlockShape& shape);
    std::vector<Segment> run();

private:
    struct Trial {
        std::uint64_t wires = 0, work = 0;
        std::vector<std::uint32_t> order;
    };
    using List = std::vector<std::uint32_t>;

    void connect();
    // Whether the block is filled before diagonal items are taken, or only when these make nothing ready.
    enum class Widens : std::uint8_t { first, last };
    Trial grow(std::size_t start, Widens widens, int left_at_zero);
    Trial best_of(std::size_t starts, int left_at_zero);
    Trial choose();
    // The share of the state that a segment passes over, and what is saved against doing its work over the share `instead`.
    [[nodiscard]] double part(const Trial& trial) const { return std::ldexp(1.0, -std::popcount(zero_ & ~trial.wires)); }
    [[nodiscard]] double saved(const Trial& trial, double instead) const {
        return double(trial.work) * (instead - part(trial)) - work_of_a_sweep * part(trial);
    }
    bool take_fitting(Trial& trial, List& movers, List& phases);
    bool widen(Trial& trial, const List& movers, const List& fresh, std::size_t start, int left_at_zero, bool& from_fresh) const;
    void release(std::uint32_t item, List& movers, List& phases);
    void undo(std::size_t mark);
    void keep(const Trial& trial);
    void fill(std::uint64_t& wires) const;

    const Items& items_;
    BlockShape shape_;
    std::vector<std::uint32_t> first_, next_;  // who waits for item k: next_[first_[k] .. first_[k + 1])
    std::vector<std::uint32_t> waiting_;       // for how many
    List movers_, phases_;                     // ready now
    List log_;                                 // whose count was lowered, for going back
    std::size_t movers_left_ = 0;
    std::uint64_t zero_;  // wires that are 0 so far
};

Scheduler::Scheduler(const Items& items, const BlockShape& shape)
    : items_(items), shape_(shape), waiting_(items.list.size(), 0), zero_(shape.zero) {
    connect();
    for (std::uint32_t k = 0; k < items.list.size(); ++k) {
        movers_left_ += items.list[k].moves != 0;
        if (waiting_[k] == 0) (items.list[k].moves != 0 ? movers_ : phases_).push_back(k);
    }
}

void Scheduler::connect() {
    constexpr std::uint32_t nobody = ~std::uint32_t{0};
    std::array<std::uint32_t, 64> mover;
    mover.fill(nobody);
    std::array<List, 64> readers;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    const auto edge = [&](std::uint32_t from, std::uint32_t to) {
        edges.emplace_back(from, to);
        ++waiting_[to];
    };
    for (std::uint32_t k = 0; k < items_.list.size(); ++k) {
        for (std::uint64_t left = items_.list[k].moves; left != 0; left &= left - 1) {
            const auto wire = std::size_t(std::countr_zero(left));
            for (const std::uint32_t reader : readers[wire]) edge(reader, k);
            if (readers[wire].empty() && mover[wire] != nobody) edge(mover[wire], k);
            readers[wire].clear();
            mover[wire] = k;
        }
        for (std::uint64_t left = items_.list[k].reads; left != 0; left &= left - 1) {
            const auto wire = std::size_t(std::countr_zero(left));
            if (mover[wire] != nobody) edge(mover[wire], k);
            readers[wire].push_back(k);
        }
    }
    first_.assign(items_.list.size() + 1, 0);
    for (const auto& [from, to] : edges) ++first_[from + 1];
    for (std::size_t k = 1; k < first_.size(); ++k) first_[k] += first_[k - 1];
    next_.resize(edges.size());
    List at(first_.begin(), first_.end() - 1);
    for (const auto& [from, to] : edges) next_[at[from]++] = to;
}

void Scheduler::release(std::uint32_t item, List& movers, List& phases) {
    for (std::uint32_t k = first_[item]; k < first_[item + 1]; ++k) {
        log_.push_back(next_[k]);
        if (--waiting_[next_[k]] == 0) (items_.list[next_[k]].moves != 0 ? movers : phases).push_back(next_[k]);
    }
}

void Scheduler::undo(std::size_t mark) {
    for (; log_.size() > mark; log_.pop_back()) ++waiting_[log_.back()];
}

bool Scheduler::take_fitting(Trial& trial, List& movers, List& phases) {
    bool took = false;
    for (std::size_t k = 0; k < movers.size(); ++k) {
        const std::uint32_t item = movers[k];
        if ((items_.list[item].moves & ~trial.wires) != 0) continue;
        movers[k--] = movers.back();
        movers.pop_back();
        trial.order.push_back(item);
        trial.work += work_of(items_, items_.list[item]);
        release(item, movers, phases);
        took = true;
    }
    return took;
}

// Takes into the block the wires of the item that asks for fewest, or of the `start`-th where the block is still bare.
bool Scheduler::widen(Trial& trial, const List& movers, const List& fresh, std::size_t start, int left_at_zero, bool& from_fresh) const {
    List all(movers);
    all.insert(all.end(), fresh.begin(), fresh.end());
    std::ranges::sort(all);
    const bool is_first = std::popcount(trial.wires) <= int(shape_.lowest);
    std::uint32_t best = 0;
    int fewest = 65;
    std::size_t number = 0;
    for (const std::uint32_t item : all) {
        const int asked = std::popcount(items_.list[item].moves & ~trial.wires);
        if (std::popcount(trial.wires) + asked > int(shape_.block_bits)) continue;
        if (left_at_zero > 0 && std::popcount(zero_ & ~trial.wires & ~items_.list[item].moves) < left_at_zero) continue;
        if (is_first ? number++ == start : asked < fewest) {
            best = item;
            fewest = asked;
            if (is_first) break;
        }
    }
    if (fewest == 65) return false;
    trial.wires |= items_.list[best].moves;
    from_fresh = std::ranges::find(fresh, best) != fresh.end();
    return true;
}

Scheduler::Trial Scheduler::grow(std::size_t start, Widens widens, int left_at_zero) {
    Trial trial;
    trial.wires = (std::uint64_t{1} << shape_.lowest) - 1;
    List movers = movers_, phases = phases_, fresh, none;
    for (;;) {
        if (take_fitting(trial, movers, phases)) continue;
        bool commit = false;
        if (widens == Widens::first && widen(trial, movers, {}, start, left_at_zero, commit)) continue;
        const std::size_t mark = log_.size();
        fresh.clear();
        for (const std::uint32_t item : phases) release(item, fresh, none);
        commit = std::ranges::any_of(fresh, [&](std::uint32_t item) { return (items_.list[item].moves & ~trial.wires) == 0; });
        if (!commit && !widen(trial, movers, fresh, start, left_at_zero, commit)) {
            undo(mark);
            break;
        }
        if (!commit) {
            undo(mark);
            continue;
        }
        trial.order.insert(trial.order.end(), phases.begin(), phases.end());
        trial.work -= std::min(trial.work, work_of_a_polynomial);
        phases.clear();
        movers.insert(movers.end(), fresh.begin(), fresh.end());
    }
    undo(0);
    return trial;
}

void Scheduler::keep(const Trial& trial) {
    std::vector<std::uint32_t> taken = trial.order;
    for (const std::uint32_t item : taken) {
        movers_left_ -= items_.list[item].moves != 0;
        release(item, movers_, phases_);
    }
    log_.clear();
    std::ranges::sort(taken);
    const auto is_taken = [&](std::uint32_t item) { return std::ranges::binary_search(taken, item); };
    std::erase_if(movers_, is_taken);
    std::erase_if(phases_, is_taken);
    std::ranges::sort(movers_);
    std::ranges::sort(phases_);
}

// The one that gets most work done.
Scheduler::Trial Scheduler::best_of(std::size_t starts, int left_at_zero) {
    Trial best = grow(0, Widens::first, left_at_zero);
    for (std::size_t k = 1; k < 2 * std::min(starts, movers_.size() + phases_.size()); ++k) {
        Trial other = grow(k / 2, k % 2 == 0 ? Widens::first : Widens::last, left_at_zero);
        if (other.work > best.work) best = std::move(other);
    }
    return best;
}

Scheduler::Trial Scheduler::choose() {
    const std::size_t starts = shape_.lowest == shape_.wires ? 1 : items_.list.size() > items_for_all_starts ? 2 : shape_.starts;
    std::vector<Trial> trials{best_of(starts, 0)};
    if (zero_ == 0) return std::move(trials[0]);
    for (const int left : wires_left_at_zero)
        if (part(trials[0]) > part_worth_dividing) {
            trials.push_back(best_of(std::min((starts + 1) / 2, starts_of_these), left));
            if (std::popcount(trials.back().wires) < block_bits_least) trials.pop_back();
        }
    const auto most_saved = [&](double instead) {
        return std::ranges::max_element(trials, {}, [&](const Trial& trial) { return saved(trial, instead); });
    };
    const auto best = most_saved(1);
    if (saved(*best, 1) <= 0) return std::move(trials[0]);
    const auto smaller = most_saved(part(*best));
    return std::move(saved(*smaller, part(*best)) > 0 ? *smaller : *best);
}

// Kernels take time to begin, so a small block gets the lowest wires that it has not, unless they are still 0.
void Scheduler::fill(std::uint64_t& wires) const {
    for (std::uint64_t others = ~wires & ~zero_; std::popcount(wires) < std::min(block_bits_full, int(shape_.block_bits));
         others &= others - 1) {
        if (others == 0 || std::countr_zero(others) >= int(shape_.wires)) return;
        wires |= others & (~others + 1);
    }
}

std::vector<Segment> Scheduler::run() {
    std::vector<Segment> segments;
    while (movers_left_ != 0) {
        Trial best = choose();
        MERIDIAN_ASSERT(!best.order.empty());
        keep(best);
        fill(best.wires);
        segments.push_back({.wires = best.wires, .zero = zero_ & ~best.wires, .items = std::move(best.order)});
        for (const std::uint32_t item : segments.back().items) zero_ &= ~items_.list[item].moves;
    }
    if (phases_.empty() && (items_.phase == 0 || !segments.empty())) return segments;
    if (segments.empty()) {
        const std::uint64_t lowest = (std::uint64_t{1} << shape_.lowest) - 1;
        segments.push_back({.wires = lowest, .zero = zero_ & ~lowest, .items = {}});
    }
    segments.back().items.insert(segments.back().items.end(), phases_.begin(), phases_.end());
    return segments;
}

}  // namespace

std::vector<Segment> schedule(const Items& items, const BlockShape& shape) { return Scheduler(items, shape).run(); }

}  // namespace meridian::quantum
