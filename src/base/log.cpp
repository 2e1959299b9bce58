#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

namespace meridian::log {
namespace {

struct Sink {
    spdlog::logger logger{"meridian", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    std::atomic<Level> level{Level::info};
    std::atomic<Form> form{Form::text};

    Sink() {
        logger.set_level(spdlog::level::trace);
        shape(Form::text);
    }
    void shape(Form f) {
        const auto* pattern = f == Form::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%fZ %-7l %v";
        logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
        form = f;
    }
};

Sink& sink() {
    static Sink one;
    return one;
}

spdlog::level::level_enum theirs(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
        case Level::off:
            return spdlog::level::off;
    }
    return spdlog::level::err;
}

// A line stays a line, whatever was put into the message.
std::string one_line(std::string_view text, bool for_json) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else if (for_json && (c == '"' || c == '\\'))
            (out += '\\') += c;
        else
            out += c;
    }
    return out;
}

}  // namespace

void configure(Level level, Form form) {
    sink().level = level;
    sink().shape(form);
}

bool enabled(Level level) { return level >= sink().level.load(std::memory_order_relaxed) && level != Level::off; }

void write(Level level, std::string_view area, std::string_view message) {
    auto& to = sink();
    if (to.form == Form::json)
        to.logger.log(theirs(level), R"("area":"{}","message":"{}")", one_line(area, true), one_line(message, true));
    else
        to.logger.log(theirs(level), "{}: {}", area, one_line(message, false));
}

}  // namespace meridian::log
