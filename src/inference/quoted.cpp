#include "inference/quoted.h"

#include "base/error.h"
#include "inference/request_bounds.h"

namespace meridian::inference {

std::optional<metering::HeldQuote> quoted(metering::Quotes* quotes, const http::Request& request, const Asked& asked,
                                          const ProjectId& payer) {
    const auto text = request.headers.get("x-meridian-quote");
    if (text.empty()) return std::nullopt;
    const auto id = QuoteId::parse(text);
    if (!id || !quotes) throw metering::no_quote(text).with_code("quote_not_found");
    using metering::QuoteKind;
    const auto kind = asked.operation == Operation::chat         ? QuoteKind::chat
                      : asked.operation == Operation::completion ? QuoteKind::completion
                                                                 : QuoteKind::embedding;
    const auto digest = digest_of(asked);
    return metering::HeldQuote(*quotes, *id, {.project = payer, .kind = kind, .model = asked.model, .digest = digest});
}

void hold_to(metering::RunStart& start, const metering::HeldQuote& quote) {
    start.price = quote.claimed().price;
    start.quote = quote.id();
    start.ceiling = quote.claimed().ceiling;
}

}  // namespace meridian::inference
