#include "metering/record.h"

#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace meridian::metering {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as this machine has its integers");

// Version 3 has every member; 1 (by token) and 2 (by pieces) are those of Meridian 0.1.0.
constexpr std::uint8_t version_by_token = 1, version_now = 3;
constexpr std::int64_t nothing = -1;  // in the place of an amount
constexpr std::string_view digest_prefix = "sha256:";
enum class DigestForm : std::uint8_t { text, sha256 };  // the usual digest takes 32 bytes instead of 71

template <class I>
void put(std::string& out, I value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}
void put_text(std::string& out, std::string_view text) {
    MERIDIAN_ASSERT(text.size() <= 0xFFFF);
    put(out, static_cast<std::uint16_t>(text.size()));
    out += text;
}
template <class Tag>
void put(std::string& out, const Id<Tag>& id) {
    out.append(reinterpret_cast<const char*>(id.uuid().bytes.data()), 16);
}

// Takes values from the front; after one that is not there, everything is empty and `good` is false.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : rest_(bytes) {}
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool ended() const { return good_ && rest_.empty(); }
    std::string_view take(std::size_t count) {
        if (count > rest_.size()) good_ = false, rest_ = {};
        const auto taken = rest_.substr(0, good_ ? count : 0);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    template <class I>
    I number() {
        I value{};
        const auto bytes = take(sizeof value);
        if (good_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    template <class T>
    T id() {
        Uuid uuid;
        const auto bytes = take(16);
        if (good_) std::memcpy(uuid.bytes.data(), bytes.data(), 16);
        return T(uuid);
    }
    std::string text() { return std::string(take(number<std::uint16_t>())); }
    std::string_view rest() { return take(rest_.size()); }

private:
    std::string_view rest_;
    bool good_ = true;
};

std::optional<Sha256> plain_digest(std::string_view text) {
    if (!text.starts_with(digest_prefix)) return std::nullopt;
    const auto digest = parse_sha256(text.substr(digest_prefix.size()));
    return digest && hex(*digest) == text.substr(digest_prefix.size()) ? digest : std::nullopt;
}

void put_digest(std::string& out, std::string_view text) {
    if (const auto digest = plain_digest(text)) {
        put(out, DigestForm::sha256);
        out += as_view(*digest);
    } else {
        put(out, DigestForm::text);
        put_text(out, text);
    }
}

std::string take_digest(Bytes& bytes) {
    switch (bytes.number<DigestForm>()) {
        case DigestForm::text:
            return bytes.text();
        case DigestForm::sha256: {
            const auto raw = bytes.take(32);
            return std::string(digest_prefix) + hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
        }
    }
    bytes.take(std::string_view::npos);  // a form we do not know
    return {};
}

}  // namespace

bool is_known(RecordType type) {
    switch (type) {
        case RecordType::opened:
        case RecordType::receipt:
        case RecordType::checkpoint:
        case RecordType::event:
        case RecordType::succession:
            return true;
    }
    return false;
}

bool is_leaf(RecordType type) {
    switch (type) {
        case RecordType::receipt:
        case RecordType::event:
        case RecordType::succession:
            return true;
        case RecordType::opened:
        case RecordType::checkpoint:
            return false;
    }
    return false;
}

std::string unsealed(std::size_t payload_size) {
    std::string record;
    record.reserve(header_bytes + payload_size);
    record.resize(header_bytes);
    return record;
}

void seal(std::string& record, RecordType type, std::uint64_t sequence) {
    const auto length = record.size() - header_bytes;
    MERIDIAN_ASSERT(length > 0 && length <= payload_max);
    const auto length32 = static_cast<std::uint32_t>(length);
    std::memcpy(record.data(), &length32, 4);
    std::memcpy(record.data() + 8, &type, 1);
    std::memcpy(record.data() + 9, &sequence, 8);
    const auto crc = crc32c(std::string_view(record).substr(8));
    std::memcpy(record.data() + 4, &crc, 4);
}

std::optional<Record> record_at(std::string_view segment, std::uint64_t at) {
    if (at > segment.size() || segment.size() - at < header_bytes) return std::nullopt;
    const char* header = segment.data() + at;
    std::uint32_t length, crc;
    std::memcpy(&length, header, 4);
    std::memcpy(&crc, header + 4, 4);
    if (length == 0 || length > payload_max || segment.size() - at - header_bytes < length) return std::nullopt;
    Record record{static_cast<RecordType>(header[8]), 0, segment.substr(at + header_bytes, length), at};
    std::memcpy(&record.sequence, header + 9, 8);
    if (!is_known(record.type)) return std::nullopt;
    if (crc32c(segment.substr(at + 8, header_bytes - 8 + length)) != crc) return std::nullopt;
    return record;
}

bool is_blank(std::string_view segment, std::uint64_t from) {
    const auto rest = segment.substr(std::min<std::uint64_t>(from, segment.size()));
    return rest.empty() || (rest.front() == 0 && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0);
}

void add_opening(std::string& out, const RunId& id, const RunStart& start, Timestamp at) {
    put(out, version_now);
    put(out, static_cast<std::uint8_t>(start.kind));
    put(out, at.time_since_epoch().count());
    put(out, id);
    put(out, start.organization);
    put(out, start.project);
    put(out, start.principal);
    put(out, start.deployment);
    put(out, start.price.input_per_million.count());
    put(out, start.price.output_per_million.count());
    for (const auto rate : {start.price.per_hour, start.price.per_shot, start.price.per_circuit}) put(out, rate.count());
    for (const auto amount : {start.price.cached_per_million, start.ceiling}) put(out, amount ? amount->count() : nothing);
    put(out, start.quote);
    put_text(out, start.api_key);
    put_text(out, start.policy);
    put_text(out, start.model);
    put_digest(out, start.model_digest);
    put_text(out, start.node);
}

std::optional<Opening> read_opening(std::string_view payload) {
    Bytes bytes(payload);
    const auto version = bytes.number<std::uint8_t>();
    if (version < version_by_token || version > version_now) return std::nullopt;
    Opening o;
    o.start.kind = static_cast<Kind>(bytes.number<std::uint8_t>());
    o.at = Timestamp(Timestamp::duration(bytes.number<std::int64_t>()));
    o.id = bytes.id<RunId>();
    o.start.organization = bytes.id<OrganizationId>();
    o.start.project = bytes.id<ProjectId>();
    o.start.principal = bytes.id<PrincipalId>();
    o.start.deployment = bytes.id<DeploymentId>();
    o.start.price.input_per_million = Money::nanos(bytes.number<std::int64_t>());
    o.start.price.output_per_million = Money::nanos(bytes.number<std::int64_t>());
    if (version != version_by_token)
        for (auto* rate : {&o.start.price.per_hour, &o.start.price.per_shot, &o.start.price.per_circuit})
            *rate = Money::nanos(bytes.number<std::int64_t>());
    if (version == version_now) {
        for (auto* amount : {&o.start.price.cached_per_million, &o.start.ceiling})
            if (const auto nanos = bytes.number<std::int64_t>(); nanos != nothing) *amount = Money::nanos(nanos);
        o.start.quote = bytes.id<QuoteId>();
        o.start.api_key = bytes.text();
        o.start.policy = bytes.text();
    }
    o.start.model = bytes.text();
    o.start.model_digest = take_digest(bytes);
    o.start.node = bytes.text();
    if (!bytes.ended() || name(o.start.kind).empty() || o.id.is_nil()) return std::nullopt;
    if (version != version_now && is_by_token(o.start.kind) != (version == version_by_token)) return std::nullopt;
    return o;
}

void add_signed(std::string& out, const Signed& made) {
    put(out, made.durable_through);
    out += made.note;
}

std::optional<Signed> read_signed(std::string_view payload) {
    Bytes bytes(payload);
    Signed made{bytes.number<std::uint64_t>(), bytes.rest()};
    if (!bytes.good()) return std::nullopt;
    return made;
}

}  // namespace meridian::metering
