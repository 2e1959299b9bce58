// Typed identifiers: 16 bytes, written as lower-case UUIDs, never convertible into each other.
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace meridian {

class Rng;
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const Uuid&) const = default;

    [[nodiscard]] std::string str() const;
    // Accepts the 36-character form in either case.
    static std::optional<Uuid> parse(std::string_view text);
    static Uuid random(Rng& rng);                                   // version 4
    static Uuid ordered(Rng& rng, std::int64_t unix_milliseconds);  // version 7: sorts by time of making
};

template <class Tag>
class Id {
public:
    Id() = default;
    explicit Id(Uuid uuid) : uuid_(uuid) {}
    auto operator<=>(const Id&) const = default;
    [[nodiscard]] std::string str() const { return uuid_.str(); }
    [[nodiscard]] const Uuid& uuid() const { return uuid_; }
    [[nodiscard]] bool is_nil() const { return uuid_ == Uuid{}; }
    static std::optional<Id> parse(std::string_view text) {
        if (auto u = Uuid::parse(text)) return Id(*u);
        return std::nullopt;
    }
    static Id random(Rng& rng) { return Id(Uuid::random(rng)); }

private:
    Uuid uuid_;
};

using OrganizationId = Id<struct OrganizationTag>;
using ProjectId = Id<struct ProjectTag>;
using GroupId = Id<struct GroupTag>;
using PolicyId = Id<struct PolicyTag>;
using RuleId = Id<struct RuleTag>;  // of a policy
using SshKeyId = Id<struct SshKeyTag>;
using PrincipalId = Id<struct PrincipalTag>;  // a user or an application
using ModelId = Id<struct ModelTag>;
using DeploymentId = Id<struct DeploymentTag>;
using EndpointId = Id<struct EndpointTag>;
using AclRuleId = Id<struct AclRuleTag>;
using ReplicaId = Id<struct ReplicaTag>;
using NodeId = Id<struct NodeTag>;
using RunId = Id<struct RunTag>;  // also the id of the run's receipt
using QuoteId = Id<struct QuoteTag>;
using BudgetId = Id<struct BudgetTag>;
using EventId = Id<struct EventTag>;  // of a change that the log has

}  // namespace meridian

template <>
struct std::hash<meridian::Uuid> {
    std::size_t operator()(const meridian::Uuid& u) const noexcept {
        std::uint64_t a, b;
        std::memcpy(&a, u.bytes.data(), 8);
        std::memcpy(&b, u.bytes.data() + 8, 8);
        return static_cast<std::size_t>(a * 0x9E3779B97F4A7C15ull ^ b);
    }
};
template <class Tag>
struct std::hash<meridian::Id<Tag>> {
    std::size_t operator()(const meridian::Id<Tag>& id) const noexcept { return std::hash<meridian::Uuid>{}(id.uuid()); }
};
