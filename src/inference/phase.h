// What a deployment is doing, and how many of how many bytes of it are done.
#pragma once
#include <cstdint>
#include <string>

namespace meridian::inference {

struct Phase {
    std::string name;                   // "fetching"; empty: nothing
    std::uint64_t done = 0, total = 0;  // bytes; total is 0 where nothing is counted

    [[nodiscard]] std::string str() const;  // "fetching 3.0 of 98.1 MB"
};

}  // namespace meridian::inference
