// A receipt's leaf: one line of JSON with its members always in this order and form, so that the same receipt is the same bytes.
// Holds no prompt and no answer.
#pragma once
#include <string>
#include <string_view>

#include "metering/service.h"

namespace meridian::metering {

// Longest names that a receipt carries; longer ones are cut, so that a receipt's room is known before the run.
inline constexpr std::size_t name_max = 256, node_max = 96, word_max = 64;

// What goes into a leaf as it is: UTF-8 without control characters, within its limit.
void tidy(RunStart& start);
std::string tidy_node(std::string_view node);

class LeafWriter {
public:
    explicit LeafWriter(const geography::ZoneFacts& zone);
    [[nodiscard]] std::string write(const Receipt& receipt) const;
    // No leaf of a run that started so is longer. `start` is tidy.
    [[nodiscard]] std::size_t room(const RunStart& start) const;

private:
    std::string where_;  // the members that every leaf of this zone shares
};

// Back from the bytes; the index is the caller's to set.
expected<Receipt> read_leaf(std::string_view leaf);

// What the books need of a leaf. Reads the bytes in one pass without building JSON: a start reads every receipt there is.
struct LeafFacts {
    RunId id;
    Kind kind = Kind::chat;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string api_key;  // "" where the receipt names none
    std::string model;
    QuoteId quote;  // nil: none
    Usage usage;
    Money cost;
    Timestamp started_at, ended_at;
};
expected<LeafFacts> facts_of(std::string_view leaf);
LeafFacts facts_of(const Receipt& receipt);

}  // namespace meridian::metering
