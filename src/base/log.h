// Structured log lines on standard error. No content (prompts, answers, secrets) ever goes through here.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace meridian::log {

enum class Level { debug, info, warn, error, off };
enum class Form { text, json };

void configure(Level level, Form form);
bool enabled(Level level);
void write(Level level, std::string_view area, std::string_view message);

template <class... A>
void debug(std::string_view area, fmt::format_string<A...> form, A&&... args) {
    if (enabled(Level::debug)) write(Level::debug, area, fmt::format(form, std::forward<A>(args)...));
}
template <class... A>
void info(std::string_view area, fmt::format_string<A...> form, A&&... args) {
    if (enabled(Level::info)) write(Level::info, area, fmt::format(form, std::forward<A>(args)...));
}
template <class... A>
void warn(std::string_view area, fmt::format_string<A...> form, A&&... args) {
    if (enabled(Level::warn)) write(Level::warn, area, fmt::format(form, std::forward<A>(args)...));
}
template <class... A>
void error(std::string_view area, fmt::format_string<A...> form, A&&... args) {
    if (enabled(Level::error)) write(Level::error, area, fmt::format(form, std::forward<A>(args)...));
}

}  // namespace meridian::log
