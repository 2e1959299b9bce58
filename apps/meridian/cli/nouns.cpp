#include "cli/nouns.h"

#include <fmt/format.h>

#include "base/id.h"
#include "terminal.h"

namespace meridian::cli {

namespace nouns {
const Noun projects{"project",  "projects", "/account/v3/projects",
                    "projects", "name",     {{"ID", "id"}, {"NAME", "name"}, {"DESCRIPTION", "description"}, {"CREATED", "created_at"}}};
const Noun people{"user",
                  "people",
                  "/iam/v1alpha1/users",
                  "users",
                  "username",
                  {{"ID", "id"}, {"NAME", "username"}, {"E-MAIL", "email"}, {"TYPE", "type"}, {"STATUS", "status"}, {"LOCKED", "locked"}}};
const Noun applications{
    "application",  "applications", "/iam/v1alpha1/applications",
    "applications", "name",         {{"ID", "id"}, {"NAME", "name"}, {"KEYS", "nb_api_keys"}, {"DESCRIPTION", "description"}}};
const Noun groups{
    "group",
    "groups",
    "/iam/v1alpha1/groups",
    "groups",
    "name",
    {{"ID", "id"}, {"NAME", "name"}, {"USERS", "user_ids"}, {"APPLICATIONS", "application_ids"}, {"DESCRIPTION", "description"}}};
const Noun policies{
    "policy",   "policies", "/iam/v1alpha1/policies",
    "policies", "name",     {{"ID", "id"}, {"NAME", "name"}, {"FOR", "user_id|application_id|group_id"}, {"RULES", "nb_rules"}}};
const Noun permission_sets{"permission set",
                           "permission-sets",
                           "/iam/v1alpha1/permission-sets",
                           "permission_sets",
                           "name",
                           {{"NAME", "name"}, {"OVER", "scope_type"}, {"ALLOWS", "description"}}};
const Noun ssh_keys{"SSH key",
                    "ssh-keys",
                    "/iam/v1alpha1/ssh-keys",
                    "ssh_keys",
                    "name",
                    {{"ID", "id"}, {"NAME", "name"}, {"FINGERPRINT", "fingerprint"}, {"PROJECT", "project_id"}, {"DISABLED", "disabled"}}};
const Noun keys{"key",
                "keys",
                "/iam/v1alpha1/api-keys",
                "api_keys",
                "access_key",
                {{"ACCESS KEY", "access_key"},
                 {"BEARER", "user_id|application_id"},
                 {"ROLE", "role"},
                 {"DESCRIPTION", "description"},
                 {"CREATED", "created_at"},
                 {"EXPIRES", "expires_at"}}};
const Noun budgets{"budget",
                   "budgets",
                   "/meridian/v1/budgets",
                   "budgets",
                   "name",
                   {{"ID", "id"},
                    {"NAME", "name"},
                    {"SCOPE", "scope"},
                    {"LIMIT €", "limit"},
                    {"PERIOD", "period"},
                    {"SPENT €", "spent"},
                    {"LEFT €", "available"},
                    {"REFUSES", "hard"}}};
}  // namespace nouns

namespace {

constexpr int page_size = 100;
constexpr int pages_max = 1000;  // more than any list has that a person reads

// Lists count.
std::string cell(const Json& row, std::string_view key) {
    for (;;) {
        const auto end = key.find('|');
        const auto* value = member(row, key.substr(0, end));
        if (value && value->is_bool()) return value->as_bool() ? "yes" : "no";
        if (value && value->is_array()) return std::to_string(value->as_array().size());
        if (value && value->is_number()) return std::to_string(number(row, key.substr(0, end)));
        auto text = field(row, key.substr(0, end));
        if (!text.empty() || end == std::string_view::npos) return text.empty() ? "-" : text;
        key.remove_prefix(end + 1);
    }
}

}  // namespace

JsonArray all_of(Api& api, const std::string& path, std::string_view key) {
    JsonArray out;
    for (int page = 1; page <= pages_max; ++page) {
        const auto mark = path.find('?') == std::string::npos ? '?' : '&';
        auto answer = api.get(fmt::format("{}{}page={}&page_size={}", path, mark, page, page_size));
        auto& items = answer.as_object().at(key).as_array();
        for (auto& item : items) out.push_back(std::move(item));
        if (items.size() < page_size) break;
    }
    return out;
}

std::string table(const Noun& noun, const JsonArray& rows) {
    std::vector<std::string> heads;
    for (const auto& column : noun.columns) heads.emplace_back(column.head);
    terminal::Table made(heads);
    for (std::size_t i = 0; i < noun.columns.size(); ++i)
        if (noun.columns[i].head.ends_with("€")) made.right(i);
    for (const auto& row : rows) {
        std::vector<std::string> cells;
        for (const auto& column : noun.columns) cells.push_back(cell(row, column.key));
        made.row(std::move(cells));
    }
    return made.str();
}

std::string id_of(Api& api, const Noun& noun, const std::string& name_or_id) {
    if (Uuid::parse(name_or_id)) return name_or_id;
    std::string found;
    for (const auto& row : all_of(api, std::string(noun.path), noun.key)) {
        if (field(row, noun.name) != name_or_id) continue;
        if (!found.empty())
            throw Failure{usage, fmt::format("Several are called '{}'.", name_or_id),
                          fmt::format("its id, from meridian {} list", noun.words)};
        found = field(row, "id");
    }
    if (found.empty())
        throw Failure{not_found, fmt::format("There is no {} named '{}'.", noun.word, name_or_id),
                      fmt::format("meridian {} list", noun.words)};
    return found;
}

std::string path_of(const Noun& noun, const std::string& id, std::string_view rest) { return fmt::format("{}/{}{}", noun.path, id, rest); }

std::string organization(Api& api) {
    const auto answer = api.get(fmt::format("{}?page_size=1", nouns::projects.path));
    const auto& rows = member(answer, nouns::projects.key)->as_array();
    if (rows.empty()) throw Failure{refused, "This key sees no project.", "a key with rights in the organization"};
    return field(rows.front(), "organization_id");
}

int show(const Common& common, const Noun& noun, const Json& row) {
    if (common.json) return print(row);
    fmt::print("{}", table(noun, JsonArray{row}));
    return ok;
}

CLI::App* add_noun(CLI::App& app, const Noun& noun, const std::string& help) {
    auto* made = app.add_subcommand(std::string(noun.words), help);
    made->require_subcommand(1);
    return made;
}

void add_list(CLI::App& under, const Common& common, const Chosen& chosen, const Noun& noun, const std::string& help) {
    under.add_subcommand("list", help)->callback([&common, chosen, &noun] {
        chosen([&common, &noun] {
            auto api = common.api();
            auto rows = all_of(api, std::string(noun.path), noun.key);
            if (common.json) return print(JsonObject{{noun.key, std::move(rows)}});
            fmt::print("{}", table(noun, rows));
            return int{ok};
        });
    });
}

void add_delete(CLI::App& under, const Common& common, const Chosen& chosen, const Noun& noun, const std::string& help,
                const std::string& as) {
    struct Options {
        std::string which;
    };
    add_command<Options>(under, common, chosen, as, help, [&noun](const Common& c, const Options& o) {
        auto api = c.api();
        api.del(path_of(noun, id_of(api, noun, o.which)));
        if (!c.json) fmt::print("{} is deleted.\n", o.which);
        return int{ok};
    }).needs("NAME", &Options::which, "Name or id");
}

}  // namespace meridian::cli
