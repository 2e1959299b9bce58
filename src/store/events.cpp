#include "store/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/hash.h"
#include "base/json.h"

namespace meridian::store {
namespace {

constexpr int parts_max = 256;  // rows of one table that belong to one row and go into its digest

bool is_plain(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

Json json_of(const Value& value) {
    struct Write {
        Json operator()(std::monostate) const { return nullptr; }
        Json operator()(std::int64_t v) const { return v; }
        Json operator()(double v) const { return v; }
        Json operator()(const std::string& v) const { return Json(v); }
        Json operator()(const Blob& v) const { return Json(base64(v.bytes)); }
    };
    return std::visit(Write(), value);
}

JsonObject json_of(const Row& row) {
    JsonObject made;
    for (const auto& column : row.columns()) made[column] = json_of(row.at(column));
    return made;
}

struct Found {
    std::optional<Row> row;
    Json digest = nullptr;
};

Found find(Tx& tx, const Table& table, const std::string& key) {
    Found found;
    auto rows = tx.query(fmt::format("select * from {} where {} = $1", table.name, table.key), key);
    if (rows.empty()) return found;
    JsonArray all{json_of(rows.front())};
    for (const auto& [part, column] : table.parts)
        for (const auto& row : tx.query(fmt::format("select * from {} where {} = $1 order by 1 limit {}", part, column, parts_max), key))
            all.emplace_back(json_of(row));
    found.digest = Json("sha256:" + hex(sha256(to_text(all))));
    found.row = std::move(rows.front());
    return found;
}

}  // namespace

void add_events(const Author& by, Timestamp now, const Changes& changes, TableNamed table_named, Tx& before, Tx& after) {
    auto who = parse_json(by.who);
    MERIDIAN_ASSERT(who && who->is_object());
    std::map<std::string, std::optional<Table>> tables;  // a session that ends takes many jobs along
    for (const auto& [topic, key] : changes) {
        const auto known = tables.find(topic);
        const auto& table = known != tables.end()
                                ? known->second
                                : tables.emplace(topic, is_plain(topic) ? table_named(after, topic) : std::nullopt).first->second;
        if (!table) continue;
        const auto old_row = find(before, *table, key), new_row = find(after, *table, key);
        const auto& shown = new_row.row ? new_row.row : old_row.row;
        JsonObject columns;
        if (shown) {
            for (const auto& column : by.columns)
                if (std::ranges::find(shown->columns(), column) != shown->columns().end()) columns[column] = json_of(shown->at(column));
        }
        after.outbox(events_topic, to_text(JsonObject{{"by", *who},
                                                      {"at", rfc3339(now)},
                                                      {"type", topic},
                                                      {"id", key},
                                                      {"before", old_row.digest},
                                                      {"after", new_row.digest},
                                                      {"row", std::move(columns)}}));
    }
}

}  // namespace meridian::store
