// Bytes from a disk that somebody wrote to: read back, judged, never believed. Half of the inputs are taken as records whose
// checksums are right, because a mutation almost never gets past a checksum.
#include "metering/replay.h"
#include "base/sim/world.h"

namespace {

using namespace meridian;

std::string sealed(std::string_view input) {
    std::string segment;
    for (std::uint64_t sequence = 1; input.size() >= 2; ++sequence) {
        const auto size = std::min<std::size_t>(input.size() - 2, static_cast<std::uint8_t>(input[1]) * 8 + 1);
        auto record = metering::unsealed();
        record += input.substr(2, size);
        const auto type = static_cast<metering::RecordType>(1 + static_cast<std::uint8_t>(input[0]) % 5);
        input.remove_prefix(2 + size);
        if (size == 0) break;
        metering::seal(record, type, sequence);
        segment += record;
    }
    return segment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static sim::World world(1);
    static const bool made = world.disk().make_directories("/ledger").has_value();
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto first = bytes.starts_with('S') ? sealed(bytes.substr(1)) : std::string(bytes);
    if (!made || !world.disk().replace_file("/ledger/" + metering::segment_name(1), first)) return 0;
    metering::History history;
    history.keys = {metering::VerifierKey{}};
    history.check = metering::History::Check::roots_and_signatures;
    (void)metering::replay(world.disk(), "/ledger", history, 0);
    return 0;
}
