// A type as plain data: what kind it is, and how to reach into it through void pointers. The readers and writers of JSON and
// schemas are ordinary functions over shapes, so that a struct costs the compiler one small constant and no parser of its own.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "base/money.h"
#include "base/time.h"
#include "resource/fields.h"

namespace meridian::inline resource {

struct ObjectShape;

struct Word {
    std::int64_t value;
    std::string_view word;
};

struct Shape {
    enum class Kind { boolean, integer, real, text, parsed, timestamp, duration, money, word, json, maybe, list, map, object };
    Kind kind{};
    std::uint8_t size = 0;             // integer, real and word: bytes
    bool is_signed = false;            // integer and word
    std::span<const Word> words = {};  // word

    // parsed: a type with parse() and str(). `what` completes "must be ...".
    bool (*parse)(void* into, std::string_view text) = nullptr;
    std::string (*print)(const void* value) = nullptr;
    std::string_view what = {}, format = {};

    // maybe (nought or one) and list. `append` gives nullptr where the element has no default; then `append_text` parses it.
    const Shape& (*element)() = nullptr;
    std::size_t (*count)(const void* holder) = nullptr;
    void* (*at)(void* holder, std::size_t i) = nullptr;
    void* (*append)(void* holder) = nullptr;
    bool (*append_text)(void* holder, std::string_view text) = nullptr;
    void (*clear)(void* holder) = nullptr;

    const ObjectShape& (*object)() = nullptr;
};

struct FieldShape {
    Rules rules;
    const Shape& (*shape)() = nullptr;
    void* (*in)(void* object) = nullptr;
};

// Whether an input without this field is wrong.
bool is_needed(const FieldShape& field);

struct ObjectShape {
    std::string_view name;  // of the schema component
    bool is_strict = false;
    std::span<const FieldShape> fields;
};

// Types written as one text: Id, Uuid, Zone, ... They may say what they are: `constexpr std::string_view in_words(As<Zone>)`.
template <class T>
concept Parsed = requires(const T& value, std::string_view text) {
    { T::parse(text) } -> std::same_as<std::optional<T>>;
    { value.str() } -> std::convertible_to<std::string>;
};

namespace shape_detail {

template <class T>
inline constexpr bool is_id = false;
template <class Tag>
inline constexpr bool is_id<Id<Tag>> = true;
template <>
inline constexpr bool is_id<Uuid> = true;

// "meridian::inference::(anonymous namespace)::View" to "inference.View": the name of the schema component.
template <class T>
consteval auto spelled() {
    constexpr std::string_view whole = __PRETTY_FUNCTION__;
    constexpr auto cleaned = [](std::string_view text, std::array<char, 256>& out) {
        std::size_t size = 0;
        text = text.substr(text.find("T = ") + 4);
        text = text.substr(0, text.find_last_of(']'));
        for (std::string_view drop : {"meridian::", "(anonymous namespace)::"})
            if (text.starts_with(drop)) text.remove_prefix(drop.size());
        while (!text.empty() && size < out.size()) {
            if (text.starts_with("(anonymous namespace)::")) {
                text.remove_prefix(23);
            } else if (text.starts_with("::")) {
                out[size++] = '.';
                text.remove_prefix(2);
            } else {
                const char c = text.front();
                const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                out[size++] = plain ? c : '-';
                text.remove_prefix(1);
            }
        }
        return size;
    };
    std::pair<std::array<char, 256>, std::size_t> result{};
    result.second = cleaned(whole, result.first);
    return result;
}
template <class T>
inline constexpr auto spelling = spelled<T>();

template <class T>
constexpr std::string_view component_name() {
    if constexpr (requires { schema_name(As<T>{}); })
        return schema_name(As<T>{});
    else
        return {spelling<T>.first.data(), spelling<T>.second};
}

template <auto member, class T>
void* reach(void* object) {
    return &(static_cast<T*>(object)->*member);
}

template <class E>
consteval auto erased_words() {
    constexpr auto from = names(As<E>{});
    std::array<Word, from.size()> to{};
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = {static_cast<std::int64_t>(from[i].value), from[i].word};
    return to;
}
template <class E>
inline constexpr auto words_of = erased_words<E>();

template <class T>
bool parse_into(void* into, std::string_view text) {
    auto value = T::parse(text);
    if (!value) return false;
    *static_cast<T*>(into) = *std::move(value);
    return true;
}
template <class T>
std::string print_from(const void* value) {
    return static_cast<const T*>(value)->str();
}

template <class Holder, class T>
bool append_parsed(void* holder, std::string_view text) {
    auto value = T::parse(text);
    if (!value) return false;
    if constexpr (requires(Holder& h) { h.push_back(*value); })
        static_cast<Holder*>(holder)->push_back(*std::move(value));
    else
        static_cast<Holder*>(holder)->emplace(*std::move(value));
    return true;
}

}  // namespace shape_detail

template <class T>
const Shape& shape_of();
template <Described T>
const ObjectShape& object_shape_of();

template <class T>
struct ShapeMaker;  // no specialization: the type cannot be a field

template <Described T>
struct ShapeMaker<T> {
    static constexpr Shape make() { return {.kind = Shape::Kind::object, .object = &object_shape_of<T>}; }
};
template <>
struct ShapeMaker<bool> {
    static constexpr Shape make() { return {.kind = Shape::Kind::boolean}; }
};
template <std::integral T>
    requires(!std::same_as<T, bool>)
struct ShapeMaker<T> {
    static constexpr Shape make() { return {.kind = Shape::Kind::integer, .size = sizeof(T), .is_signed = std::is_signed_v<T>}; }
};
template <>
struct ShapeMaker<Millijoules> {
    static_assert(sizeof(Millijoules) == sizeof(std::int64_t) && std::is_trivially_copyable_v<Millijoules>);
    static constexpr Shape make() { return {.kind = Shape::Kind::integer, .size = sizeof(Millijoules), .is_signed = true}; }
};
template <std::floating_point T>
struct ShapeMaker<T> {
    static constexpr Shape make() { return {.kind = Shape::Kind::real, .size = sizeof(T)}; }
};
template <Worded T>
struct ShapeMaker<T> {
    static constexpr Shape make() {
        return {.kind = Shape::Kind::word,
                .size = sizeof(T),
                .is_signed = std::is_signed_v<std::underlying_type_t<T>>,
                .words = shape_detail::words_of<T>};
    }
};
template <>
struct ShapeMaker<std::string> {
    static constexpr Shape make() { return {.kind = Shape::Kind::text}; }
};
template <>
struct ShapeMaker<Timestamp> {
    static constexpr Shape make() { return {.kind = Shape::Kind::timestamp}; }
};
template <>
struct ShapeMaker<Duration> {
    static constexpr Shape make() { return {.kind = Shape::Kind::duration}; }
};
template <>
struct ShapeMaker<Money> {
    static constexpr Shape make() { return {.kind = Shape::Kind::money}; }
};
template <>
struct ShapeMaker<Json> {
    static constexpr Shape make() { return {.kind = Shape::Kind::json}; }
};
template <Parsed T>
    requires(!std::same_as<T, Money> && !Described<T>)
struct ShapeMaker<T> {
    static constexpr Shape make() {
        Shape made{.kind = Shape::Kind::parsed, .parse = nullptr, .print = &shape_detail::print_from<T>, .what = "in another form"};
        if constexpr (std::is_default_constructible_v<T>) made.parse = &shape_detail::parse_into<T>;
        if constexpr (shape_detail::is_id<T>) made.what = "a UUID such as 5f0d3b7e-1c2a-4e5f-8a9b-0c1d2e3f4a5b", made.format = "uuid";
        if constexpr (requires { in_words(As<T>{}); }) made.what = in_words(As<T>{});
        return made;
    }
};
template <class T>
struct ShapeMaker<std::optional<T>> {
    using Holder = std::optional<T>;
    static constexpr Shape make() {
        Shape made{.kind = Shape::Kind::maybe, .element = &shape_of<T>};
        made.count = [](const void* h) -> std::size_t { return static_cast<const Holder*>(h)->has_value(); };
        made.at = [](void* h, std::size_t) -> void* { return &**static_cast<Holder*>(h); };
        made.clear = [](void* h) { static_cast<Holder*>(h)->reset(); };
        if constexpr (std::is_default_constructible_v<T>)
            made.append = [](void* h) -> void* { return &static_cast<Holder*>(h)->emplace(); };
        else
            made.append_text = &shape_detail::append_parsed<Holder, T>;
        return made;
    }
};
template <class T>
struct ShapeMaker<std::vector<T>> {
    static_assert(!std::same_as<T, bool>, "a list of booleans has no addressable elements");
    using Holder = std::vector<T>;
    static constexpr Shape make() {
        Shape made{.kind = Shape::Kind::list, .element = &shape_of<T>};
        made.count = [](const void* h) { return static_cast<const Holder*>(h)->size(); };
        made.at = [](void* h, std::size_t i) -> void* { return &(*static_cast<Holder*>(h))[i]; };
        made.clear = [](void* h) { static_cast<Holder*>(h)->clear(); };
        if constexpr (std::is_default_constructible_v<T>)
            made.append = [](void* h) -> void* { return &static_cast<Holder*>(h)->emplace_back(); };
        else
            made.append_text = &shape_detail::append_parsed<Holder, T>;
        return made;
    }
};
template <>
struct ShapeMaker<std::map<std::string, std::string>> {
    static constexpr Shape make() { return {.kind = Shape::Kind::map}; }
};

template <class T>
concept Shaped = requires { ShapeMaker<T>::make(); };

template <class T>
const Shape& shape_of() {
    static_assert(Shaped<T>, "this type cannot be a field: give it describe(), names(), or parse() and str()");
    static constexpr Shape shape = ShapeMaker<T>::make();
    return shape;
}

template <Described T>
const ObjectShape& object_shape_of() {
    static constexpr auto list = []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<FieldShape, sizeof...(I)>{
            FieldShape{std::get<I>(table<T>.list).rules,
                       &shape_of<typename std::tuple_element_t<I, std::remove_cvref_t<decltype(table<T>.list)>>::Member>,
                       &shape_detail::reach<std::get<I>(table<T>.list).member, T>}...};
    }(std::make_index_sequence<table<T>.size>{});
    static constexpr ObjectShape shape{shape_detail::component_name<T>(), table<T>.is_strict, list};
    return shape;
}

}  // namespace meridian::inline resource
