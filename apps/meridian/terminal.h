// What people see in a terminal: tables, progress, colours. Everything falls back to plain lines when the output is no terminal.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::terminal {

[[nodiscard]] bool is_terminal();  // standard output
[[nodiscard]] int width();         // columns, 80 when unknown

std::string bold(std::string_view text);
std::string dim(std::string_view text);
std::string accent(std::string_view text);
std::string bad(std::string_view text);

// Columns as wide as their widest cell; numbers (marked) to the right. UTF-8 cells count code points.
class Table {
public:
    explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
    void right(std::size_t column) { right_.push_back(column); }
    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] std::string str() const;

private:
    std::vector<std::string> heads_;
    std::vector<std::vector<std::string>> rows_;
    std::vector<std::size_t> right_;
};

// One line on standard error that is redrawn in place; on no terminal a new line whenever the words change, without the numbers.
class ProgressLine {
public:
    ~ProgressLine();
    // `total` 0: no bar.
    void show(std::string_view what, std::uint64_t done, std::uint64_t total);
    void finish(std::string_view what);  // leaves a line that stays

private:
    std::string last_;
    bool drawn_ = false;
};

std::string bytes(std::uint64_t n);  // "98.1 MB"

}  // namespace meridian::terminal
