// The rows of quotes.
#pragma once
#include <optional>
#include <vector>

#include "metering/quote/types.h"
#include "store/store.h"

namespace meridian::metering::rows {

void insert(store::Tx& tx, const Quote& quote);
std::optional<Quote> quote(store::Tx& tx, const QuoteId& id);
struct QuoteFilter {
    OrganizationId organization;
    std::optional<std::vector<ProjectId>> projects;  // nullopt: all of the organization
    std::optional<QuoteId> before;
    std::size_t limit = 50;
};
// Newest first.
std::vector<Quote> quotes(store::Tx& tx, const QuoteFilter& filter);
// That end after `since`, at most `limit`, the newest first.
std::vector<Quote> quotes_until(store::Tx& tx, Timestamp since, std::size_t limit);
void remove_quotes_before(store::Tx& tx, Timestamp created);

}  // namespace meridian::metering::rows
