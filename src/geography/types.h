// Where things are: jurisdictions, zones, and the residency value that every placement, store and cache call takes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/time.h"

namespace meridian::geography {

// "fr-par-1". Two letters, dash, three letters, dash, one digit from 1: the form every public client accepts.
class Zone {
public:
    static std::optional<Zone> parse(std::string_view text);
    [[nodiscard]] const std::string& str() const { return text_; }
    [[nodiscard]] std::string region() const { return text_.substr(0, 6); }
    auto operator<=>(const Zone&) const = default;

private:
    explicit Zone(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// The operator's statement of where a zone's machines stand. Without it receipts say `undeclared`: the zone's name is a wire
// name that SDKs need, no statement of place.
struct Declaration {
    std::string place;         // "Paris, FR"
    std::string jurisdiction;  // "FR"
    std::string operator_name;
    Timestamp declared_at;
    std::optional<std::uint32_t> node_watts = std::nullopt;  // what the processors of one node draw under full load
    // What a kilowatt hour here stands for, as of `declared_at`: grams of CO2 equivalent, millilitres of water.
    std::optional<std::uint32_t> carbon_grams_per_kwh = std::nullopt, water_millilitres_per_kwh = std::nullopt;
};

struct ZoneFacts {
    Zone name;
    std::optional<Declaration> declared;
    [[nodiscard]] std::string jurisdiction() const { return declared ? declared->jurisdiction : "undeclared"; }
    [[nodiscard]] std::string place() const { return declared ? declared->place : "undeclared"; }
};

// Where content and runs of a project may be. Passed everywhere; constructed only from policy.
class Residency {
public:
    // Every zone of this installation.
    static Residency anywhere() { return Residency(std::nullopt); }
    static Residency only(std::vector<Zone> zones) { return Residency(std::move(zones)); }
    [[nodiscard]] bool allows(const Zone& zone) const;
    [[nodiscard]] Residency narrowed_by(const Residency& other) const;
    [[nodiscard]] std::string in_words() const;  // "only fr-par-1, it-mil-1"

private:
    explicit Residency(std::optional<std::vector<Zone>> zones) : zones_(std::move(zones)) {}
    std::optional<std::vector<Zone>> zones_;
};

}  // namespace meridian::geography
