// Comma-separated values as RFC 4180 has them.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::metering {

class Csv {
public:
    // Of what people may have typed: what a spreadsheet would take for a formula gets an apostrophe in front.
    static std::string text(std::string_view typed) {
        const bool is_formula = !typed.empty() && std::string_view("=+-@\t\r").find(typed.front()) != std::string_view::npos;
        return (is_formula ? "'" : "") + std::string(typed);
    }
    void row(const std::vector<std::string>& fields) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (i > 0) out_ += ',';
            add(fields[i]);
        }
        out_ += "\r\n";
    }
    std::string take() { return std::move(out_); }

private:
    void add(const std::string& field) {
        if (field.find_first_of(",\"\r\n") == std::string::npos) {
            out_ += field;
            return;
        }
        out_ += '"';
        for (const char c : field) {
            if (c == '"') out_ += '"';
            out_ += c;
        }
        out_ += '"';
    }
    std::string out_;
};

}  // namespace meridian::metering
