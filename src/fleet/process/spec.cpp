#include "fleet/process/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/hash.h"
#include "base/json.h"

namespace meridian::fleet {
namespace {

constexpr std::size_t words_max = 4096;
constexpr std::int64_t cpu_ids_max = 1023;  // what a cpu_set_t holds

template <class T>
JsonArray array(const std::vector<T>& values) {
    JsonArray out;
    for (const auto& value : values) out.emplace_back(value);
    return out;
}

// Reads members and remembers the first that is wrong.
class Reader {
public:
    explicit Reader(const Json& from) : from_(from) {}
    void text(std::string_view key, std::string& into) {
        if (const auto* value = text_member(from_, key))
            into = view(*value);
        else
            wrong(key);
    }
    void texts(std::string_view key, std::vector<std::string>& into) {
        const auto* value = member(from_, key);
        if (!value || !value->is_array() || value->get_array().size() > words_max) return wrong(key);
        for (const auto& one : value->get_array()) {
            // A NUL would end an argument early, and with it whatever it was meant to say.
            if (!one.is_string() || view(one.get_string()).contains('\0')) return wrong(key);
            into.emplace_back(view(one.get_string()));
        }
    }
    template <class N>
    void number(std::string_view key, N& into, std::int64_t from, std::int64_t to) {
        const auto* value = member(from_, key);
        const auto got = value ? integer(*value) : std::nullopt;
        if (!got || *got < from || *got > to) return wrong(key);
        into = static_cast<N>(*got);
    }
    void numbers(std::string_view key, std::vector<std::int64_t>& into, std::int64_t from, std::int64_t to) {
        const auto* value = member(from_, key);
        if (!value || !value->is_array() || value->get_array().size() > words_max) return wrong(key);
        for (const auto& one : value->get_array()) {
            const auto got = integer(one);
            if (!got || *got < from || *got > to) return wrong(key);
            into.push_back(*got);
        }
    }
    [[nodiscard]] const std::optional<std::string>& first_wrong() const { return wrong_; }

private:
    static std::optional<std::int64_t> integer(const Json& value) {
        if (value.is_int64()) return value.get_int64();
        if (value.is_uint64() && value.get_uint64() <= static_cast<std::uint64_t>(INT64_MAX))
            return static_cast<std::int64_t>(value.get_uint64());
        return std::nullopt;
    }
    void wrong(std::string_view key) {
        if (!wrong_) wrong_ = key;
    }
    const Json& from_;
    std::optional<std::string> wrong_;
};

constexpr std::int64_t day_ms = 86'400'000;

template <class Visit>
void times(Visit&& visit) {
    visit("unclaimed_ms", &ShimSpec::unclaimed_ms);
    visit("backoff_first_ms", &ShimSpec::backoff_first_ms);
    visit("backoff_longest_ms", &ShimSpec::backoff_longest_ms);
    visit("crash_window_ms", &ShimSpec::crash_window_ms);
}

struct Named {
    ShimState state;
    std::string_view word;
};
constexpr Named states[] = {{ShimState::starting, "starting"},   {ShimState::running, "running"},   {ShimState::backing_off, "backing_off"},
                            {ShimState::failed, "failed"},       {ShimState::stopping, "stopping"}, {ShimState::stopped, "stopped"},
                            {ShimState::displaced, "displaced"}, {ShimState::refused, "refused"}};

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string to_text(const ShimSpec& spec) {
    JsonObject out{{"id", spec.id},
                   {"program", spec.program},
                   {"arguments", array(spec.arguments)},
                   {"environment", array(spec.environment)},
                   {"readable_paths", array(spec.readable_paths)},
                   {"log_path", spec.log_path},
                   {"health_path", spec.health_path},
                   {"secret", spec.secret},
                   {"token", spec.token},
                   {"memory_bytes", spec.memory_bytes},
                   {"cpu_ids", array(spec.cpu_ids)},
                   {"gpu_devices", array(spec.gpu_devices)},
                   {"crashes_max", spec.crashes_max}};
    times([&](std::string_view key, std::int64_t ShimSpec::* at) { out[key] = spec.*at; });
    return meridian::to_text(Json(std::move(out)));
}

expected<ShimSpec> parse_spec(std::string_view text) {
    const auto json = parse_json(text, 4);
    if (!json) return unexpected<Diagnostic>(json.error());
    ShimSpec spec;
    Reader read(*json);
    read.text("id", spec.id);
    read.text("program", spec.program);
    read.texts("arguments", spec.arguments);
    read.texts("environment", spec.environment);
    read.texts("readable_paths", spec.readable_paths);
    read.text("log_path", spec.log_path);
    read.text("health_path", spec.health_path);
    read.text("secret", spec.secret);
    read.text("token", spec.token);
    read.number("memory_bytes", spec.memory_bytes, 0, INT64_MAX);
    read.numbers("cpu_ids", spec.cpu_ids, 0, cpu_ids_max);
    read.texts("gpu_devices", spec.gpu_devices);
    read.number("crashes_max", spec.crashes_max, 1, 1000);
    times([&](std::string_view key, std::int64_t ShimSpec::* at) { read.number(key, spec.*at, 1, day_ms); });
    if (read.first_wrong()) return complaint(fmt::format("The specification's \"{}\" is missing or wrong.", *read.first_wrong()));
    if (!spec.program.starts_with('/')) return complaint("The specification's program is no absolute path.");
    if (spec.token.empty()) return complaint("The specification has no token.");
    return spec;
}

expected<ShimCommand> parse_command(std::string_view line) {
    using Verb = ShimCommand::Verb;
    if (line.size() > shim_line_max) return complaint("The line is too long.", shim_line_max);
    const auto space = std::min(line.find(' '), line.size());
    const auto verb = line.substr(0, space);
    const auto rest = line.substr(std::min(space + 1, line.size()));
    if (space == line.size()) {
        if (verb == "status") return ShimCommand{.verb = Verb::status, .number = 0, .token = {}};
        if (verb == "restart") return ShimCommand{.verb = Verb::restart, .number = 0, .token = {}};
        if (verb == "leave") return ShimCommand{.verb = Verb::leave, .number = 0, .token = {}};
    }
    if (verb == "stop") {
        const auto grace = whole_number(rest);
        if (!grace || *grace > grace_ms_max) return complaint("A stop needs its grace in milliseconds.", space);
        return ShimCommand{.verb = Verb::stop, .number = *grace, .token = {}};
    }
    if (verb == "claim") {
        const auto second = std::min(rest.find(' '), rest.size());
        const auto number = whole_number(rest.substr(0, second));
        const auto token = rest.substr(std::min(second + 1, rest.size()));
        if (!number || *number > claim_number_max || token.empty() || token.contains(' '))
            return complaint("A claim needs a number and a token.", space);
        return ShimCommand{.verb = Verb::claim, .number = *number, .token = std::string(token)};
    }
    return complaint("Unknown command.");
}

std::string_view name(ShimState state) { return std::ranges::find(states, state, &Named::state)->word; }

std::string to_text(const ShimStatus& status) {
    return meridian::to_text(Json{{"state", name(status.state)},
                                  {"pid", status.pid},
                                  {"restarts", status.restarts},
                                  {"holder", status.holder},
                                  {"layers", array(status.layers)},
                                  {"detail", status.detail}});
}

expected<ShimStatus> parse_status(std::string_view line) {
    if (line.size() > status_line_max) return complaint("The status line is too long.", status_line_max);
    const auto json = parse_json(line, 4);
    if (!json) return unexpected<Diagnostic>(json.error());
    ShimStatus status;
    std::string word;
    Reader read(*json);
    read.text("state", word);
    read.number("pid", status.pid, 0, INT64_MAX);
    read.number("restarts", status.restarts, 0, INT32_MAX);
    read.number("holder", status.holder, 0, INT64_MAX);
    read.texts("layers", status.layers);
    read.text("detail", status.detail);
    if (read.first_wrong()) return complaint(fmt::format("The status's \"{}\" is missing or wrong.", *read.first_wrong()));
    const auto* known = std::ranges::find(states, word, &Named::word);
    if (known == std::end(states)) return complaint("Unknown state.");
    status.state = known->state;
    return status;
}

std::string printable(std::string_view bytes, std::size_t longest) {
    std::string out;
    for (const char c : bytes.substr(0, longest)) out += c >= 0x20 && c < 0x7f ? c : (c == '\t' ? ' ' : '?');
    return out;
}

}  // namespace meridian::fleet
