#include "fleet/process/bounded_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "fleet/process/spec.h"

namespace meridian::fleet {

BoundedLog::BoundedLog(std::string path) : path_(std::move(path)) { open(); }

void BoundedLog::open() {
    if (path_.empty()) return;
    file_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat what{};
    size_ = file_.is_open() && ::fstat(file_.get(), &what) == 0 ? static_cast<std::size_t>(what.st_size) : 0;
}

void BoundedLog::add(std::string_view bytes) {
    if (size_ + bytes.size() > bytes_max && size_ > 0) {
        ::rename(path_.c_str(), (path_ + ".1").c_str());
        open();
    }
    if (file_.is_open()) {
        const auto written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written > 0) size_ += static_cast<std::size_t>(written);
    }
    for (const char c : bytes) {
        if (c != '\n' && c != '\r') {
            if (line_.size() < line_max) line_ += c;
            continue;
        }
        if (line_.find_first_not_of(" \t") != line_.npos) last_ = line_;
        line_.clear();
    }
}

std::string BoundedLog::last_line() const {
    const bool is_open = line_.find_first_not_of(" \t") != line_.npos;
    return printable(is_open ? line_ : last_, line_max);
}

}  // namespace meridian::fleet
