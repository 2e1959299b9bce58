#include "http/server_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace meridian::http {
namespace {

constexpr std::array<std::string_view, 9> written_here = {"connection", "content-length", "date",    "keep-alive",  "server",
                                                          "te",         "trailer",        "upgrade", "x-request-id"};

bool same_name(std::string_view a, std::string_view lower_case) {
    return a.size() == lower_case.size() && std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? static_cast<char>(x | 0x20) : x) == y;
           });
}

bool is_ours(std::string_view name) {
    return same_name(name, "transfer-encoding") ||
           std::ranges::any_of(written_here, [&](std::string_view one) { return same_name(name, one); });
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f'; }

void add_clean(std::string& out, std::string_view text) {
    const auto at = out.size();
    out += text;
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), is_control, ' ');
}

void add_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

}  // namespace

void RequestIds::next(std::string& out) {
    static constexpr char digits[] = "0123456789abcdef";
    if (used_ == pool_.size()) {
        rng_.fill(pool_);
        used_ = 0;
    }
    out = "req_";
    for (std::size_t i = 0; i < id_bytes; ++i) {
        const auto byte = static_cast<unsigned>(pool_[used_++]);
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

std::string_view HttpDate::text(Timestamp now) {
    static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto second = unix_seconds(now);
    if (second != second_) {
        second_ = second;
        const auto day = std::chrono::floor<std::chrono::days>(now);
        const std::chrono::year_month_day date(day);
        const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
        text_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday(day).c_encoding()],
                            static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                            static_cast<int>(date.year()), time.hours().count(), time.minutes().count(), time.seconds().count());
    }
    return text_;
}

void write_head(std::string& out, const HeadPlan& plan, const Headers& headers, std::string_view date, std::string_view request_id) {
    out.clear();
    out += "HTTP/1.1 ";
    add_number(out, static_cast<std::uint64_t>(plan.status));
    out += ' ';
    out += reason_phrase(plan.status);
    out += "\r\n";
    for (const auto& [name, value] : headers) {
        if (is_ours(name)) continue;
        add_clean(out, name);
        out += ": ";
        add_clean(out, value);
        out += "\r\n";
    }
    out += "Date: ";
    out += date;
    out += "\r\nServer: meridian\r\nx-request-id: ";
    out += request_id;
    switch (plan.framing) {
        case HeadPlan::Framing::length:
            out += "\r\nContent-Length: ";
            add_number(out, plan.length);
            break;
        case HeadPlan::Framing::chunked:
            out += "\r\nTransfer-Encoding: chunked";
            break;
        case HeadPlan::Framing::until_close:
        case HeadPlan::Framing::none:
            break;
    }
    if (!plan.keep_alive) {
        out += "\r\nConnection: close";
    } else if (plan.is_http_1_0) {
        out += "\r\nConnection: keep-alive";
    }
    out += "\r\n\r\n";
}

std::optional<std::uint64_t> announced_length(const Headers& headers) {
    const auto text = headers.get("content-length");
    std::uint64_t length = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return length;
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace meridian::http
