#include "fleet/host.h"

#include "fleet/sandbox/cgroup.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian::fleet;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)parse_nvidia_smi(text);
    (void)parse_gpu_information(text);
    (void)memory_total(text);
    (void)cpu_of(text);
    (void)memory_limit(text);
    (void)cpu_quota(text);
    (void)sandbox::parse_hierarchies(text, text);
    return 0;
}
