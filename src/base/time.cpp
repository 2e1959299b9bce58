#include "base/time.h"

#include <fmt/format.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace meridian {
namespace {

using std::chrono::microseconds;

// Reads one fixed form from the front of a text; `ok` falls once and stays down.
struct Reader {
    std::string_view text;
    bool ok = true;

    int digits(std::size_t count) {
        int value = 0;
        for (; count > 0; --count) {
            if (text.empty() || text[0] < '0' || text[0] > '9') {
                ok = false;
                return 0;
            }
            value = value * 10 + (text[0] - '0');
            text.remove_prefix(1);
        }
        return value;
    }
    char one_of(std::string_view allowed) {
        if (text.empty() || allowed.find(text[0]) == std::string_view::npos) {
            ok = false;
            return 0;
        }
        const char c = text[0];
        text.remove_prefix(1);
        return c;
    }
    bool next_is_digit() const { return !text.empty() && text[0] >= '0' && text[0] <= '9'; }

    // What follows the seconds: nothing, or '.' and one to nine digits.
    microseconds fraction() {
        if (text.empty() || text[0] != '.') return {};
        text.remove_prefix(1);
        int micros = 0, seen = 0;
        for (; next_is_digit(); ++seen) {
            const int digit = digits(1);
            if (seen < 6) micros = micros * 10 + digit;
        }
        if (seen == 0 || seen > 9) ok = false;
        for (; seen < 6; ++seen) micros *= 10;
        return microseconds(micros);
    }
    std::chrono::minutes offset() {
        const char sign = one_of("Zz+-");
        if (sign != '+' && sign != '-') return {};
        const int hours = digits(2);
        one_of(":");
        const int minutes = digits(2);
        if (hours > 23 || minutes > 59) ok = false;
        const auto size = std::chrono::hours(hours) + std::chrono::minutes(minutes);
        return sign == '-' ? -size : size;
    }
};

}  // namespace

boost::asio::awaitable<void> Clock::sleep(Duration length) {
    namespace asio = boost::asio;
    return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(
        [this](auto handler, Duration l) {
            auto executor = asio::get_associated_executor(handler);
            async_sleep(std::move(executor), l, std::move(handler));
        },
        asio::use_awaitable, length);
}

namespace {

// Two for every receipt: a general formatter is five times as slow.
void put_digits(char* at, std::size_t count, std::int64_t value) {
    for (; count > 0; --count, value /= 10) at[count - 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string rfc3339(Timestamp t) {
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<microseconds> time(t - day);
    const int year = static_cast<int>(date.year());
    if (year < 0 || year > 9999)  // no time of ours, but somebody may ask
        return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", year, static_cast<unsigned>(date.month()),
                           static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count(),
                           time.subseconds().count());
    std::string text = "0000-00-00T00:00:00.000000Z";
    put_digits(&text[0], 4, year);
    put_digits(&text[5], 2, static_cast<unsigned>(date.month()));
    put_digits(&text[8], 2, static_cast<unsigned>(date.day()));
    put_digits(&text[11], 2, time.hours().count());
    put_digits(&text[14], 2, time.minutes().count());
    put_digits(&text[17], 2, time.seconds().count());
    put_digits(&text[20], 6, time.subseconds().count());
    return text;
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
    Reader in{text};
    const std::chrono::year year(in.digits(4));
    in.one_of("-");
    const std::chrono::month month(static_cast<unsigned>(in.digits(2)));
    in.one_of("-");
    const std::chrono::day day(static_cast<unsigned>(in.digits(2)));
    in.one_of("Tt ");
    const int hour = in.digits(2);
    in.one_of(":");
    const int minute = in.digits(2);
    in.one_of(":");
    const int second = in.digits(2);
    const auto fraction = in.fraction();
    const auto offset = in.offset();
    const std::chrono::year_month_day date(year, month, day);
    // A leap second reads as the second after it: the calendar of std::chrono has none.
    if (!in.ok || !in.text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) +
           fraction - offset;
}

std::int64_t unix_seconds(Timestamp t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

}  // namespace meridian
