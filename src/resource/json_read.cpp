// Reads JSON into shapes. One pass, which goes on after a problem so that the caller hears of all of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "resource/json_bind.h"

namespace meridian::inline resource {

namespace {

using Kind = Shape::Kind;
using Reason = FieldProblem::Reason;
using json_detail::How;

__extension__ using Wide = __int128;

constexpr double exact_in_double = 9007199254740992.0;  // 2^53: beyond it a double does not tell neighbours apart

std::size_t characters(std::string_view utf8) {
    std::size_t n = 0;
    for (const char c : utf8) n += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    return n;
}

template <class Words, class Word>
std::string listed(const Words& words, Word word) {
    std::string text;
    for (const auto& each : words) text.append(text.empty() ? "" : ", ").append(word(each));
    return text;
}

std::string bounds(auto low, auto high, bool has_high, std::string_view unit) {
    if (!has_high) return fmt::format("must have at least {} {}", low, unit);
    if (low == 0) return fmt::format("must have at most {} {}", high, unit);
    return fmt::format("must have between {} and {} {}", low, high, unit);
}

struct Limits {
    Wide low, high;
};
Limits limits_of(const Shape& shape) {
    const int bits = shape.size * 8;
    if (!shape.is_signed) return {0, (Wide{1} << bits) - 1};
    return {-(Wide{1} << (bits - 1)), (Wide{1} << (bits - 1)) - 1};
}

void store_integer(void* into, std::uint8_t size, std::int64_t bits) {
    const auto as = [&](auto narrow) { std::memcpy(into, &narrow, sizeof narrow); };
    switch (size) {
        case 1:
            return as(static_cast<std::int8_t>(bits));
        case 2:
            return as(static_cast<std::int16_t>(bits));
        case 4:
            return as(static_cast<std::int32_t>(bits));
        default:
            MERIDIAN_ASSERT(size == 8);
            as(bits);
    }
}

// The whole number in `json`, also when it is written 2.0 or 2e3.
std::optional<Wide> whole_number(const Json& json) {
    if (json.is_int64()) return json.get_int64();
    if (json.is_uint64()) return json.get_uint64();
    if (!json.is_double()) return std::nullopt;
    const double d = json.get_double();
    if (!(std::fabs(d) <= exact_in_double) || d != std::trunc(d)) return std::nullopt;
    return static_cast<std::int64_t>(d);
}

const Shape& innermost(const Shape& shape) { return shape.kind == Kind::maybe ? innermost(shape.element()) : shape; }

bool is_absent(const Shape& shape, const Json& json) {
    if (json.is_null()) return true;
    if (!json.is_string() || !json.get_string().empty()) return false;
    const Shape& inner = innermost(shape);
    switch (inner.kind) {
        case Kind::parsed:
        case Kind::timestamp:
        case Kind::duration:
            return true;
        case Kind::word:
            for (const auto& each : inner.words)
                if (each.word.empty()) return false;
            return true;
        case Kind::boolean:
        case Kind::integer:
        case Kind::real:
        case Kind::text:
        case Kind::money:
        case Kind::json:
        case Kind::maybe:
        case Kind::list:
        case Kind::map:
        case Kind::object:
            return false;
    }
    return false;
}

class Reader {
public:
    Reader(const Reading& reading, How how) : reading_(reading), how_(how), path_(reading.at) {}

    void value(const Shape& shape, const Rules& rules, void* into, const Json& json) {
        if (problems_.size() >= problems_max) return;
        switch (shape.kind) {
            case Kind::boolean:
                return boolean(into, json);
            case Kind::integer:
                return integer(shape, rules, into, json);
            case Kind::real:
                return real(shape, rules, into, json);
            case Kind::text:
                return text(rules, *static_cast<std::string*>(into), json);
            case Kind::parsed:
                return parsed(shape, into, json);
            case Kind::timestamp:
                return timestamp(*static_cast<Timestamp*>(into), json);
            case Kind::duration:
                return duration(*static_cast<Duration*>(into), json);
            case Kind::money:
                return money(*static_cast<Money*>(into), json);
            case Kind::word:
                return word_of(shape, into, json);
            case Kind::json:
                *static_cast<Json*>(into) = json;
                return;
            case Kind::maybe:
                return maybe(shape, rules, into, json);
            case Kind::list:
                return list(shape, rules, into, json);
            case Kind::map:
                return map(rules, *static_cast<std::map<std::string, std::string>*>(into), json);
            case Kind::object:
                return object(shape.object(), into, json);
        }
    }

    void finish() {
        if (!problems_.empty()) throw invalid(std::move(problems_));
    }

private:
    // One step down the path, for as long as it lives.
    class Step {
    public:
        Step(std::string& path, std::string_view name) : path_(path), length_(path.size()) {
            if (!path_.empty()) path_ += '.';
            path_ += name;
        }
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        ~Step() { path_.resize(length_); }

    private:
        std::string& path_;
        std::size_t length_;
    };

    void problem(Reason reason, std::string help) {
        if (problems_.size() >= problems_max) return;
        std::size_t length = path_.size();
        // A name may be as long as the body; it is cut where a character begins.
        if (length > path_max) {
            length = path_max;
            while ((static_cast<unsigned char>(path_[length]) & 0xC0u) == 0x80u) --length;
        }
        problems_.push_back({path_.substr(0, length), reason, std::move(help)});
    }
    [[nodiscard]] bool is_outside() const { return how_ != How::stored; }

    void boolean(void* into, const Json& json) {
        if (!json.is_bool()) return problem(Reason::format, "must be true or false");
        *static_cast<bool*>(into) = json.get_bool();
    }

    void integer(const Shape& shape, const Rules& rules, void* into, const Json& json) {
        if (!json.is_number()) return problem(Reason::format, "must be a whole number");
        const auto number = whole_number(json);
        if (!number && !json.is_double()) return problem(Reason::format, "must be a whole number");
        Limits limits = limits_of(shape);
        if (rules.has_range && is_outside()) limits = {std::max<Wide>(limits.low, rules.low), std::min<Wide>(limits.high, rules.high)};
        const bool is_fraction = !number && std::fabs(json.get_double()) < exact_in_double;
        if (is_fraction) return problem(Reason::format, "must be a whole number");
        if (!number || *number < limits.low || *number > limits.high) {
            return problem(Reason::constraint, fmt::format("must be between {} and {}", limits.low, limits.high));
        }
        store_integer(into, shape.size, static_cast<std::int64_t>(*number));
    }

    void real(const Shape& shape, const Rules& rules, void* into, const Json& json) {
        if (!json.is_number()) return problem(Reason::format, "must be a number");
        const double number = json.is_double() ? json.get_double() : static_cast<double>(*whole_number(json));
        const bool fits = !rules.has_range || (number >= rules.real_low && number <= rules.real_high);
        if (is_outside() && !fits)
            return problem(Reason::constraint, fmt::format("must be between {} and {}", rules.real_low, rules.real_high));
        if (shape.size == sizeof(float))
            *static_cast<float*>(into) = static_cast<float>(number);
        else
            *static_cast<double*>(into) = number;
    }

    // Whether a text keeps the rules; says so when not.
    bool keeps(const Rules& rules, std::string_view given) {
        if (!is_outside()) return true;
        const std::size_t length = characters(given);
        if (length < rules.length_min || length > rules.length_max) {
            const bool is_missing = given.empty();
            problem(is_missing ? Reason::required : Reason::constraint,
                    bounds(rules.length_min, rules.length_max, rules.length_max != unbounded, "characters"));
            return false;
        }
        if (rules.text_matches != nullptr && !rules.text_matches(given)) {
            problem(Reason::format, fmt::format("may hold only {}", rules.charset));
            return false;
        }
        const std::span choices(rules.choices.data(), rules.choice_count);
        if (!choices.empty() && std::find(choices.begin(), choices.end(), given) == choices.end()) {
            problem(Reason::constraint, "must be one of: " + listed(choices, [](std::string_view c) { return c; }));
            return false;
        }
        return true;
    }

    void text(const Rules& rules, std::string& into, const Json& json) {
        if (!json.is_string()) return problem(Reason::format, "must be a text");
        const auto given = view(json.get_string());
        if (keeps(rules, given)) into = given;
    }

    void parsed(const Shape& shape, void* into, const Json& json) {
        MERIDIAN_ASSERT(shape.parse != nullptr);
        if (!json.is_string() || !shape.parse(into, view(json.get_string())))
            problem(Reason::format, fmt::format("must be {}", shape.what));
    }

    void timestamp(Timestamp& into, const Json& json) {
        const auto time = json.is_string() ? parse_rfc3339(view(json.get_string())) : std::nullopt;
        if (!time) return problem(Reason::format, "must be a time such as 2026-11-23T19:29:43.932078Z");
        into = *time;
    }

    void duration(Duration& into, const Json& json) {
        const auto length = json.is_string() ? parse_duration(view(json.get_string())) : std::nullopt;
        if (!length) return problem(Reason::format, "must be a number of seconds such as \"3.5s\"");
        into = *length;
    }

    // Units and nanos with one sign, as in google.type.Money. A missing number is 0, a missing currency ours.
    void money(Money& into, const Json& json) {
        constexpr std::int64_t nanos_per_unit = 1'000'000'000;
        constexpr const char* form = "must be an amount such as {\"currency_code\": \"EUR\", \"units\": 1, \"nanos\": 500000000}";
        if (!json.is_object()) return problem(Reason::format, form);
        const auto part = [&](std::string_view key) -> std::optional<Wide> {
            const Json* given = member(json, key);
            return given == nullptr || given->is_null() ? Wide{0} : whole_number(*given);
        };
        const auto units = part("units"), nanos = part("nanos");
        if (!units || !nanos) return problem(Reason::format, form);
        const Json* currency = member(json, "currency_code");
        const bool is_euro = currency == nullptr || currency->is_null() ||
                             (currency->is_string() && (currency->get_string().empty() || currency->get_string() == "EUR"));
        if (!is_euro) return problem(Reason::constraint, "must be in EUR");
        const bool is_mixed = (*units > 0 && *nanos < 0) || (*units < 0 && *nanos > 0);
        if (is_mixed || *nanos >= nanos_per_unit || *nanos <= -nanos_per_unit) return problem(Reason::format, form);
        const Wide whole = *units * nanos_per_unit + *nanos;
        if (whole > std::numeric_limits<std::int64_t>::max() || whole < std::numeric_limits<std::int64_t>::min())
            return problem(Reason::constraint, "must be less than 9.2 billion");
        into = Money::nanos(static_cast<std::int64_t>(whole));
    }

    void word_of(const Shape& shape, void* into, const Json& json) {
        if (json.is_string()) {
            for (const auto& each : shape.words)
                if (each.word == view(json.get_string())) return store_integer(into, shape.size, each.value);
        }
        problem(json.is_string() ? Reason::constraint : Reason::format,
                "must be one of: " + listed(shape.words, [](const Word& w) { return w.word; }));
    }

    void append(const Shape& holder_shape, const Rules& rules, void* holder, const Json& json) {
        const Shape& element = holder_shape.element();
        const How before = std::exchange(how_, how_ == How::merge ? How::whole : how_);  // what is new is read as a whole
        if (holder_shape.append != nullptr)
            value(element, rules, holder_shape.append(holder), json);
        else if (!json.is_string() || !holder_shape.append_text(holder, view(json.get_string())))
            problem(Reason::format, fmt::format("must be {}", element.what));
        how_ = before;
    }

    void maybe(const Shape& shape, const Rules& rules, void* into, const Json& json) {
        const bool merges = how_ == How::merge && !json.is_null() && shape.count(into) == 1 && shape.element().kind == Kind::object;
        if (merges) return value(shape.element(), rules, shape.at(into, 0), json);
        shape.clear(into);
        if (!json.is_null()) append(shape, rules, into, json);
    }

    bool count_fits(const Rules& rules, std::size_t count) {
        const std::size_t most = rules.count_max == unbounded ? elements_max : rules.count_max;
        if (!is_outside() || (count >= rules.count_min && count <= most)) return true;
        problem(Reason::constraint, bounds(rules.count_min, most, true, "elements"));
        return false;
    }

    void list(const Shape& shape, const Rules& rules, void* into, const Json& json) {
        if (!json.is_array()) return problem(Reason::format, "must be a list");
        const JsonArray& given = json.get_array();
        if (!count_fits(rules, given.size())) return;
        shape.clear(into);
        for (std::size_t i = 0; i < given.size() && problems_.size() < problems_max; ++i) {
            const Step step(path_, std::to_string(i));
            append(shape, rules, into, given[i]);
        }
    }

    void map(const Rules& rules, std::map<std::string, std::string>& into, const Json& json) {
        if (!json.is_object()) return problem(Reason::format, "must be an object of texts");
        const JsonObject& given = json.get_object();
        if (!count_fits(rules, given.size())) return;
        into.clear();
        for (const auto& [key, each] : given) {
            const Step step(path_, key);
            text(rules, into[std::string(key)], each);
        }
    }

    void object(const ObjectShape& shape, void* into, const Json& json) {
        if (!json.is_object()) return problem(Reason::format, "must be a JSON object");
        const JsonObject& given = json.get_object();
        for (const auto& field : shape.fields) {
            const Step step(path_, field.rules.name);
            const auto found = given.find(field.rules.name);
            member_of(field, field.in(into), found == given.end() ? nullptr : &found->value());
        }
        if (how_ == How::stored || !(shape.is_strict || reading_.is_strict)) return;
        for (const auto& pair : given) {
            const auto is_it = [&](const FieldShape& field) { return field.rules.name == std::string_view(pair.key()); };
            const Step step(path_, pair.key());
            if (std::none_of(shape.fields.begin(), shape.fields.end(), is_it)) problem(Reason::unknown, "is not a field; remove it");
        }
    }

    void member_of(const FieldShape& field, void* into, const Json* given) {
        if (field.rules.is_read_only && is_outside()) return;
        const Shape& shape = field.shape();
        if (given != nullptr && is_absent(shape, *given)) {
            const bool clears = reading_.null_clears && how_ == How::merge && given->is_null();
            if (clears && shape.kind == Kind::maybe) return shape.clear(into);
            given = nullptr;
        }
        if (given != nullptr) return value(shape, field.rules, into, *given);
        if (how_ == How::whole && is_needed(field)) problem(Reason::required, "is required");
    }

    const Reading& reading_;
    How how_;
    std::string path_;
    std::vector<FieldProblem> problems_;
};

}  // namespace

bool is_needed(const FieldShape& field) {
    if (field.rules.is_required) return true;
    if (field.rules.is_defaulted) return false;
    const Kind kind = field.shape().kind;
    return kind != Kind::maybe && kind != Kind::list && kind != Kind::map && kind != Kind::json;
}

void json_detail::read(const Shape& shape, void* into, const Json& json, How how, const Reading& reading) {
    Reader reader(reading, how);
    reader.value(shape, Rules{}, into, json);
    reader.finish();
}

}  // namespace meridian::inline resource
