#include "terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace meridian::terminal {
namespace {

bool colours() {
    static const bool on = is_terminal() && !std::getenv("NO_COLOR");
    return on;
}

std::string wrapped(const char* code, std::string_view text) {
    return colours() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::size_t points(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool is_terminal() { return isatty(STDOUT_FILENO) == 1; }

int width() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

std::string bold(std::string_view text) { return wrapped("1", text); }
std::string dim(std::string_view text) { return wrapped("2", text); }
std::string accent(std::string_view text) { return wrapped("36", text); }
std::string bad(std::string_view text) { return wrapped("31", text); }

std::string Table::str() const {
    std::vector<std::size_t> widths;
    for (const auto& head : heads_) widths.push_back(points(head));
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], points(row[i]));
    }
    std::string out;
    const auto line = [&](const std::vector<std::string>& cells, bool head) {
        std::string text;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string cell = i < cells.size() ? cells[i] : "";
            const std::string pad(widths[i] - std::min(widths[i], points(cell)), ' ');
            const bool to_right = std::ranges::find(right_, i) != right_.end();
            text += to_right ? pad + cell : cell + pad;
            if (i + 1 < widths.size()) text += "  ";
        }
        while (text.ends_with(' ')) text.pop_back();
        out += (head ? dim(text) : text) + "\n";
    };
    line(heads_, true);
    for (const auto& row : rows_) line(row, false);
    return out;
}

ProgressLine::~ProgressLine() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(std::string_view what, std::uint64_t done, std::uint64_t total) {
    if (isatty(STDERR_FILENO) != 1) {
        if (last_ != what) fmt::print(stderr, "{}\n", what);
        last_ = what;
        return;
    }
    std::string text(what);
    if (total > 0) {
        const auto cells = 24U;
        const auto full = static_cast<unsigned>(std::min<std::uint64_t>(cells, done * cells / total));
        std::string bar;
        for (unsigned i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
        text += fmt::format("  {} {} of {}", bar, bytes(done), bytes(total));
    }
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
    drawn_ = true;
}

void ProgressLine::finish(std::string_view what) {
    fmt::print(stderr, "{}{}\n", drawn_ ? "\r\x1b[K" : "", what);
    drawn_ = false;
    last_.clear();
}

std::string bytes(std::uint64_t n) {
    if (n >= 1'000'000'000) return fmt::format("{:.1f} GB", static_cast<double>(n) / 1e9);
    if (n >= 1'000'000) return fmt::format("{:.1f} MB", static_cast<double>(n) / 1e6);
    if (n >= 1'000) return fmt::format("{:.1f} kB", static_cast<double>(n) / 1e3);
    return fmt::format("{} B", n);
}

}  // namespace meridian::terminal
