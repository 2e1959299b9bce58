#include "geography/types.h"

#include <algorithm>
#include <string>

namespace meridian::geography {

std::optional<Zone> Zone::parse(std::string_view text) {
    constexpr std::string_view form = "aa-aaa-1";
    if (text.size() != form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const char c = text[i];
        const bool fits = form[i] == 'a' ? c >= 'a' && c <= 'z' : form[i] == '1' ? c >= '1' && c <= '9' : c == '-';
        if (!fits) return std::nullopt;
    }
    return Zone(std::string(text));
}

bool Residency::allows(const Zone& zone) const { return !zones_ || std::ranges::find(*zones_, zone) != zones_->end(); }

Residency Residency::narrowed_by(const Residency& other) const {
    if (!zones_) return other;
    std::vector<Zone> both;
    std::ranges::copy_if(*zones_, std::back_inserter(both), [&](const Zone& zone) { return other.allows(zone); });
    return only(std::move(both));
}

std::string Residency::in_words() const {
    if (!zones_) return "anywhere";
    if (zones_->empty()) return "nowhere";
    std::string words = "only ";
    for (const auto& zone : *zones_) {
        if (&zone != &zones_->front()) words += ", ";
        words += zone.str();
    }
    return words;
}

}  // namespace meridian::geography
