#include "marketplace/applications.h"

#include <fmt/format.h>

#include <algorithm>

#include "resource/json_bind.h"

namespace meridian::marketplace {
namespace {

bool is_label(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

bool is_link(std::string_view text) {
    return text.starts_with("https://") && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<'; });
}

}  // namespace

constexpr auto describe(As<Category>) {
    using C = Category;
    return fields(field("name", &C::name, length{1, 64}, matches{"small letters, digits, '-' and '_'", is_label}),
                  field("title", &C::title, length{1, 128}), field("description", &C::description, length{1, limits::application_text}))
        .strict();
}

constexpr auto describe(As<Application>) {
    using A = Application;
    return fields(field("label", &A::label, length{1, 64}, matches{"small letters, digits, '-' and '_'", is_label}),
                  field("name", &A::name, length{1, 128}), field("publisher", &A::publisher, length{1, 128}),
                  field("licence", &A::licence, length{1, 128}),
                  field("url", &A::url, length{1, 512}, matches{"an address that begins with https://", is_link}),
                  field("description", &A::description, length{1, limits::application_text}), field("tested", &A::tested, length{1, 64}),
                  field("categories", &A::categories, required, at_least{1}, at_most{limits::application_categories}, length{1, 64}),
                  field("archs", &A::archs, required, at_least{1}, at_most{2}, one_of{"x86_64", "arm64"}), field("added", &A::added))
        .strict();
}

struct File {
    std::vector<Category> categories;
    std::vector<Application> applications;
};
constexpr auto describe(As<File>) {
    return fields(field("categories", &File::categories, at_most{limits::categories}),
                  field("applications", &File::applications, required, at_most{limits::applications}))
        .strict();
}

namespace {

template <class T>
void put(std::vector<T>& into, T one, std::string T::* key) {
    const auto same = std::ranges::find(into, one.*key, key);
    if (same == into.end())
        into.push_back(std::move(one));
    else
        *same = std::move(one);
}

}  // namespace

expected<Applications> read_applications(const Json& file, Applications before) {
    File read;
    try {
        read = from_json<File>(file);
    } catch (const Error& error) {
        if (error.fields.empty()) return complaint(error.said);
        return complaint(fmt::format("{}: {}", error.fields.front().name, error.fields.front().help));
    }
    for (auto& category : read.categories) put(before.categories, std::move(category), &Category::name);
    for (std::size_t i = 0; i < read.applications.size(); ++i) {
        auto& one = read.applications[i];
        for (const auto& category : one.categories) {
            if (std::ranges::find(before.categories, category, &Category::name) == before.categories.end())
                return complaint(fmt::format("applications.{}.categories: there is no category '{}'", i, category));
        }
        const auto later = std::ranges::subrange(read.applications.begin() + static_cast<std::ptrdiff_t>(i) + 1, read.applications.end());
        if (std::ranges::find(later, one.label, &Application::label) != later.end())
            return complaint(fmt::format("applications.{}.label: there are two applications '{}'", i, one.label));
    }
    for (auto& one : read.applications) put(before.all, std::move(one), &Application::label);
    if (before.all.size() > limits::applications || before.categories.size() > limits::categories)
        return complaint(fmt::format("There are at most {} applications in {} categories.", limits::applications, limits::categories));
    return before;
}

}  // namespace meridian::marketplace
