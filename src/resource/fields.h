// The field table: one list of a struct's members, from which JSON, validation, SQL columns and the schema are derived.
//
//   struct Wish { std::string name; ProjectId project; std::vector<std::string> tags; };
//   constexpr auto describe(As<Wish>) {                      // beside the struct, found by argument-dependent lookup
//       return fields(field("name", &Wish::name, length{1, 63}),
//                     field("project_id", &Wish::project, column("project")),
//                     field("tags", &Wish::tags, at_most{50}));
//   }
//   enum class Mood { calm, cross };
//   constexpr auto names(As<Mood>) { return words<Mood>({{Mood::calm, "calm"}, {Mood::cross, "cross"}}); }
//
// What may be absent on input: optional, vector, map and Json members, and plain ones marked `defaulted`. Everything else is
// required. null reads as absence; so does "" for ids, times and enums, because Go clients send it for what was never set.
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// Inline, so that every room writes `field` and not `resource::field`.
namespace meridian::inline resource {

// A tag that carries a type to `describe`, `names`, `schema_name` and `in_words`.
template <class T>
struct As {
    using type = T;
};

inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();
inline constexpr std::size_t choices_max = 16;

// Everything said about one field besides its type. The same type for every field, so that no reader needs a template.
struct Rules {
    std::string_view name;         // on the wire
    std::string_view column;       // in SQL; empty: as on the wire
    std::string_view description;  // for the schema
    bool has_column = true, is_required = false, is_defaulted = false, is_read_only = false, is_write_only = false;
    std::size_t length_min = 0, length_max = unbounded;  // characters of a text, or of each text in a list or map
    std::size_t count_min = 0, count_max = unbounded;    // elements of a list or map
    bool has_range = false, range_is_real = false;
    std::int64_t low = 0, high = 0;
    double real_low = 0, real_high = 0;
    std::string_view charset;  // "letters, digits and '-'"
    bool (*text_matches)(std::string_view) = nullptr;
    std::array<std::string_view, choices_max> choices{};
    std::size_t choice_count = 0;

    [[nodiscard]] constexpr std::string_view column_name() const { return column.empty() ? name : column; }
};

// --- What a constraint may be put on: the value itself, or each element of what holds values.
namespace fields_detail {
template <class T>
struct Innermost {
    using type = T;
};
template <class T>
struct Innermost<std::optional<T>> : Innermost<T> {};
template <class T>
struct Innermost<std::vector<T>> : Innermost<T> {};
template <class V>
struct Innermost<std::map<std::string, V>> : Innermost<V> {};
template <class T>
inline constexpr bool is_text = std::same_as<typename Innermost<T>::type, std::string>;
template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<typename Innermost<T>::type> && !std::same_as<typename Innermost<T>::type, bool>;
template <class T>
struct Counted : std::false_type {};
template <class T>
struct Counted<std::optional<T>> : Counted<T> {};
template <class T>
struct Counted<std::vector<T>> : std::true_type {};
template <class V>
struct Counted<std::map<std::string, V>> : std::true_type {};
}  // namespace fields_detail

// --- Constraints.
struct length {
    std::size_t min = 0, max = unbounded;
    template <class M>
    static constexpr bool fits = fields_detail::is_text<M>;
    constexpr void apply(Rules& r) const { r.length_min = min, r.length_max = max; }
};
struct at_most {
    std::size_t count;
    template <class M>
    static constexpr bool fits = fields_detail::Counted<M>::value;
    constexpr void apply(Rules& r) const { r.count_max = count; }
};
struct at_least {
    std::size_t count;
    template <class M>
    static constexpr bool fits = fields_detail::Counted<M>::value;
    constexpr void apply(Rules& r) const { r.count_min = count; }
};
// Both ends included. Whole numbers or real ones, as the arguments are.
struct range {
    template <class A, class B>
        requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
    constexpr range(A lo, B hi)
        : low(static_cast<std::int64_t>(lo)),
          high(static_cast<std::int64_t>(hi)),
          real_low(static_cast<double>(lo)),
          real_high(static_cast<double>(hi)),
          is_real(std::is_floating_point_v<A> || std::is_floating_point_v<B>) {}
    std::int64_t low, high;
    double real_low, real_high;
    bool is_real;
    template <class M>
    static constexpr bool fits = fields_detail::is_number<M>;
    constexpr void apply(Rules& r) const {
        r.has_range = true, r.range_is_real = is_real;
        r.low = low, r.high = high, r.real_low = real_low, r.real_high = real_high;
    }
};
// `charset` completes the sentence "may hold only ...".
struct matches {
    std::string_view charset;
    bool (*holds)(std::string_view);
    template <class M>
    static constexpr bool fits = fields_detail::is_text<M>;
    constexpr void apply(Rules& r) const { r.charset = charset, r.text_matches = holds; }
};
// For texts whose few values are not worth an enum.
struct one_of {
    template <std::convertible_to<std::string_view>... S>
        requires(sizeof...(S) > 0 && sizeof...(S) <= choices_max)
    constexpr explicit one_of(S... word) : choices{std::string_view(word)...}, count(sizeof...(S)) {}
    std::array<std::string_view, choices_max> choices;
    std::size_t count;
    template <class M>
    static constexpr bool fits = fields_detail::is_text<M>;
    constexpr void apply(Rules& r) const { r.choices = choices, r.choice_count = count; }
};

// --- Marks.
struct Mark {
    bool Rules::* flag;
    bool value = true;
    template <class M>
    static constexpr bool fits = true;
    constexpr void apply(Rules& r) const { r.*flag = value; }
};
inline constexpr Mark required{&Rules::is_required};      // a list or map that may not be absent
inline constexpr Mark defaulted{&Rules::is_defaulted};    // a plain member that may be absent: it keeps its initializer
inline constexpr Mark read_only{&Rules::is_read_only};    // written, ignored on input
inline constexpr Mark write_only{&Rules::is_write_only};  // read, never written: secrets
inline constexpr Mark no_column{&Rules::has_column, false};

struct column {
    constexpr explicit column(std::string_view n) : name(n) {}
    std::string_view name;
    template <class M>
    static constexpr bool fits = true;
    constexpr void apply(Rules& r) const { r.column = name; }
};
struct help {
    constexpr explicit help(std::string_view t) : text(t) {}
    std::string_view text;
    template <class M>
    static constexpr bool fits = true;
    constexpr void apply(Rules& r) const { r.description = text; }
};

// --- The table.
template <class T, class M>
struct Field {
    using Owner = T;
    using Member = M;
    M T::* member;
    Rules rules;
};

template <class T, class M, class... C>
constexpr Field<T, M> field(std::string_view name, M T::* member, C... said) {
    static_assert((C::template fits<M> && ...), "a constraint does not fit the member's type: length of a number, at_most of a text, ...");
    Field<T, M> made{member, {}};
    made.rules.name = name;
    (said.apply(made.rules), ...);
    return made;
}

template <class... F>
struct Fields {
    std::tuple<F...> list;
    bool is_strict = false;
    // Unknown keys are problems, not ignored.
    [[nodiscard]] constexpr Fields strict() const { return {list, true}; }
    static constexpr std::size_t size = sizeof...(F);
};
template <class... F>
constexpr Fields<F...> fields(F... f) {
    return {std::tuple<F...>(f...)};
}

template <class T>
concept Described = requires { describe(As<T>{}); };
template <Described T>
inline constexpr auto table = describe(As<T>{});

// --- Enums.
template <class E>
struct Named {
    E value;
    std::string_view word;
};
template <class E, std::size_t N>
constexpr std::array<Named<E>, N> words(const Named<E> (&list)[N]) {
    return std::to_array(list);
}
template <class E>
concept Worded = std::is_enum_v<E> && requires { names(As<E>{}); };

// The word of an enum value; empty for a value that is not in the table.
template <Worded E>
constexpr std::string_view word(E value) {
    for (const auto& named : names(As<E>{}))
        if (named.value == value) return named.word;
    return {};
}
template <Worded E>
constexpr std::optional<E> from_word(std::string_view text) {
    for (const auto& named : names(As<E>{}))
        if (named.word == text) return named.value;
    return std::nullopt;
}

}  // namespace meridian::inline resource
