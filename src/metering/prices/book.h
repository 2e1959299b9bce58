// Prices as data: what a unit of something costs, where, in which tier and since when. A newer entry supersedes an older one; none is
// edited.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/money.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "metering/service.h"
#include "resource/fields.h"

namespace meridian::metering {

using PriceId = Id<struct PriceTag>;

enum class Unit {
    input_token,
    output_token,
    cached_token,
    image,
    node_second,
    shot,
    circuit,
    quantum_hour,
    session_hour,
    voice_minute,
};
// Off-peak is not asked for: it is what an interactive or batch run gets in its hours.
enum class Tier { interactive, batch, off_peak };
constexpr auto names(As<Unit>) {
    return words<Unit>({{Unit::input_token, "input_token"},
                        {Unit::output_token, "output_token"},
                        {Unit::cached_token, "cached_token"},
                        {Unit::image, "image"},
                        {Unit::node_second, "node_second"},
                        {Unit::shot, "shot"},
                        {Unit::circuit, "circuit"},
                        {Unit::quantum_hour, "quantum_hour"},
                        {Unit::session_hour, "session_hour"},
                        {Unit::voice_minute, "voice_minute"}});
}
constexpr auto names(As<Tier>) {
    return words<Tier>({{Tier::interactive, "interactive"}, {Tier::batch, "batch"}, {Tier::off_peak, "off_peak"}});
}

// Each day from one time to another by the clocks of a place; the end is not among them, and may lie after midnight. An hour that comes
// twice in autumn counts twice, and one that is left out in spring not at all.
struct Hours {
    int from_minute = 0, to_minute = 0;  // of the day, 0 to 1439
    TimeZone zone = TimeZone::utc();
    [[nodiscard]] bool contains(Timestamp at) const;
};

inline constexpr std::string_view any_sku = "*";

struct PriceEntry {
    PriceId id{};     // nil: it came with the program
    std::string sku;  // a model, a platform, a node type, or `any_sku`
    Unit unit = Unit::input_token;
    Money rate{};  // for `per` units
    std::int64_t per = 1;
    std::optional<std::string> zone = std::nullopt;  // nothing: every zone
    Tier tier = Tier::interactive;
    std::optional<Hours> hours = std::nullopt;  // of an off-peak entry
    Timestamp valid_from{};
    std::optional<Timestamp> valid_until = std::nullopt;
    Timestamp created_at{};
};

// How many units a rate is kept for: a million tokens, an hour of a node, one of anything else.
std::int64_t standard_amount(Unit unit);
// The entry's rate for that many. Nothing where it is no whole number of nano-euros: a rate is never rounded.
std::optional<Money> standard_rate(const PriceEntry& entry);

struct PriceQuestion {
    std::string_view sku, zone;
    Tier tier = Tier::interactive;
    Timestamp at{};
};

// Immutable; read by every loop without a lock.
class PriceBook {
public:
    PriceBook() = default;
    // Entries whose rate is not whole are not taken: `complaint_about` refused them before.
    explicit PriceBook(std::vector<PriceEntry> entries);

    // For a standard amount of the unit. An entry of the sku itself goes before one of any, then one of the zone, then one of the tier,
    // then the newest.
    [[nodiscard]] std::optional<Money> rate(const PriceQuestion& question, Unit unit) const;
    // What a run is charged by; what no entry says is `otherwise`, the catalogue's own.
    [[nodiscard]] Price find(const PriceQuestion& question, const Price& otherwise) const;
    // As they were given: the oldest first.
    [[nodiscard]] const std::vector<PriceEntry>& entries() const { return entries_; }

private:
    struct Rank;
    [[nodiscard]] const PriceEntry* best(const PriceQuestion& question, Unit unit) const;

    std::vector<PriceEntry> entries_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_sku_;  // indices, the newest first
};

// Why an entry cannot be taken; nothing when it can.
std::optional<std::string> complaint_about(const PriceEntry& entry);

namespace limits {
inline constexpr std::size_t price_sku = 256, price_entries = 10'000;
inline constexpr std::int64_t price_per = 1'000'000'000;
}  // namespace limits

}  // namespace meridian::metering
