// A replica's output in a file that cannot grow without end, and its last line, which usually says why it died.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "fleet/posix.h"

namespace meridian::fleet {

class BoundedLog {
public:
    static constexpr std::size_t bytes_max = 8 << 20;  // and as much again in "<path>.1"
    static constexpr std::size_t line_max = 300;

    explicit BoundedLog(std::string path);
    // A full disk loses log lines; it does not stop the replica.
    void add(std::string_view bytes);
    // The last line that was not blank, printable.
    [[nodiscard]] std::string last_line() const;

private:
    void open();
    std::string path_;
    Fd file_;
    std::size_t size_ = 0;
    std::string line_, last_;
};

}  // namespace meridian::fleet
