// The records of a ledger: a header {length u32, crc32c u32, type u8, sequence u64}, little endian, and a payload. The checksum is
// over type, sequence and payload. Zero bytes are "nothing here yet": segments are written ahead with them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "metering/service.h"

namespace meridian::metering {

// A succession's payload is a leaf too: that of log/succession.h.
enum class RecordType : std::uint8_t { opened = 1, receipt = 2, checkpoint = 3, event = 4, succession = 5 };
bool is_known(RecordType type);
bool is_leaf(RecordType type);  // of the tree; an opening and a checkpoint are none

inline constexpr std::size_t header_bytes = 17;
inline constexpr std::size_t payload_max = 64 * 1024;

struct Record {
    RecordType type = RecordType::opened;
    std::uint64_t sequence = 0;
    std::string_view payload;
    std::uint64_t at = 0;  // in its segment
    [[nodiscard]] std::uint64_t end() const { return at + header_bytes + payload.size(); }
};

// A buffer that begins with room for the header; append the payload, then seal.
std::string unsealed(std::size_t payload_size = 0);
void seal(std::string& record, RecordType type, std::uint64_t sequence);

// The whole and undamaged record at `at`; nothing otherwise.
std::optional<Record> record_at(std::string_view segment, std::uint64_t at);
// Whether only zero bytes follow.
bool is_blank(std::string_view segment, std::uint64_t from);

// --- Payloads. A receipt's is its leaf, and so is an event's.
struct Opening {
    RunId id;
    RunStart start;
    Timestamp at;
};
void add_opening(std::string& record, const RunId& id, const RunStart& start, Timestamp at);
std::optional<Opening> read_opening(std::string_view payload);

// A checkpoint's record says how far the ledger was durable before it was written: damage up to there is damage, and later
// damage is what a power cut leaves.
struct Signed {
    std::uint64_t durable_through = 0;  // a sequence; 0: nothing
    std::string_view note;
};
void add_signed(std::string& record, const Signed& made);
std::optional<Signed> read_signed(std::string_view payload);

}  // namespace meridian::metering
