// One struct with a member of every kind, for the tests and the fuzzer of this room.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "resource/shape.h"

namespace meridian::sample {

enum class Status : std::uint8_t { unknown_status, creating, ready };
constexpr auto names(As<Status>) {
    return words<Status>({{Status::unknown_status, "unknown_status"}, {Status::creating, "creating"}, {Status::ready, "ready"}});
}

// Has no default: only containers can hold one without a value.
class Region {
public:
    static std::optional<Region> parse(std::string_view text) {
        if (text.size() != 6 || text[2] != '-') return std::nullopt;
        return Region(std::string(text));
    }
    [[nodiscard]] const std::string& str() const { return text_; }
    bool operator==(const Region&) const = default;

private:
    explicit Region(std::string text) : text_(std::move(text)) {}
    std::string text_;
};
constexpr std::string_view in_words(As<Region>) { return "a region such as fr-par"; }

struct Endpoint {
    std::string url;
    bool disable_auth = false;
    std::optional<std::uint16_t> port;
    bool operator==(const Endpoint&) const = default;
};
constexpr auto describe(As<Endpoint>) {
    return fields(field("url", &Endpoint::url, length{1, 20}), field("disable_auth", &Endpoint::disable_auth, defaulted),
                  field("port", &Endpoint::port, range{1, 65535}));
}

constexpr bool is_label(std::string_view text) {
    for (const char c : text)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    return true;
}

struct Thing {
    DeploymentId id;
    std::string name;
    std::string secret;
    Status status = Status::creating;
    std::string colour = "red";
    std::int64_t balance = 0;
    std::uint64_t bytes = 0;
    std::int8_t offset = 0;
    double ratio = 0.5;
    bool is_public = false;
    Money price;
    Duration timeout{};
    Timestamp created_at;
    std::optional<Timestamp> updated_at;
    std::optional<ProjectId> project;
    std::optional<std::string> note;
    std::optional<Region> region;
    std::vector<Region> regions;
    std::vector<std::string> tags;
    std::vector<Endpoint> endpoints;
    std::optional<Endpoint> main;
    Endpoint spare;
    std::map<std::string, std::string> labels;
    Json extra;
    bool operator==(const Thing&) const = default;
};
constexpr auto describe(As<Thing>) {
    return fields(
        field("id", &Thing::id, read_only), field("name", &Thing::name, length{1, 8}, matches{"a to z, 0 to 9 and '-'", is_label}),
        field("secret", &Thing::secret, write_only, defaulted), field("status", &Thing::status, defaulted),
        field("colour", &Thing::colour, defaulted, one_of("red", "green")), field("balance", &Thing::balance, defaulted),
        field("size_bytes", &Thing::bytes, defaulted, column("bytes")), field("offset", &Thing::offset, defaulted),
        field("ratio", &Thing::ratio, defaulted, range{0.0, 1.0}), field("is_public", &Thing::is_public, defaulted),
        field("price", &Thing::price, defaulted), field("timeout", &Thing::timeout, defaulted),
        field("created_at", &Thing::created_at, read_only), field("updated_at", &Thing::updated_at), field("project_id", &Thing::project),
        field("note", &Thing::note, help("For people.")), field("region", &Thing::region), field("regions", &Thing::regions),
        field("tags", &Thing::tags, at_most{3}, length{1, 5}), field("endpoints", &Thing::endpoints), field("main", &Thing::main),
        field("spare", &Thing::spare, defaulted), field("labels", &Thing::labels, at_most{2}), field("extra", &Thing::extra, no_column));
}

// A PATCH as a struct: what is absent stays as it is.
struct Change {
    std::optional<std::string> colour;
    std::optional<std::vector<std::string>> tags;
    std::optional<Status> status;
    Millijoules energy;
    bool operator==(const Change&) const = default;
};
constexpr auto describe(As<Change>) {
    return fields(field("colour", &Change::colour, one_of("red", "green")), field("tags", &Change::tags, at_most{2}, length{1, 2}),
                  field("status", &Change::status), field("energy", &Change::energy, defaulted));
}

struct Strict {
    int level = 0;
    std::vector<Strict> below;
    bool operator==(const Strict&) const = default;
};
constexpr auto describe(As<Strict>) {
    return fields(field("level", &Strict::level, range{-2, 9}), field("below", &Strict::below, required)).strict();
}
constexpr std::string_view schema_name(As<Strict>) { return "Strict"; }

}  // namespace meridian::sample
