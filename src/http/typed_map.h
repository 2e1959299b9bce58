// Lists whose items travel under their names, as instance/v1's: {"servers": {"L4-1-24G": {...}, ...}}, the total in X-Total-Count.
#pragma once
#include <string>
#include <utility>

#include "http/typed.h"

namespace meridian::http {

template <Shaped T>
using Entry = std::pair<std::string, T>;

template <Key key, Shaped T>
struct ListedByName : Paged<Entry<T>> {
    ListedByName() = default;
    ListedByName(Paged<Entry<T>> page) : Paged<Entry<T>>(std::move(page)) {}  // NOLINT(google-explicit-constructor): as Listed
};

namespace typed_detail {

template <Key key, class T>
struct Form<ListedByName<key, T>> {
    static Response response(const ListedByName<key, T>& out, const Answering&) {
        JsonObject items;
        for (const auto& [name, item] : out.items) items[name] = to_json(item);
        return list_response(key.view(), std::move(items), out.total_count, Total::header);
    }
    static void document(RouteDoc& doc, Dialect) {
        auto list = list_doc(key.view(), shape_of<std::vector<T>>(), Total::header);
        auto& items = list.as_object()["properties"].as_object()[key.view()].as_object();
        items["type"] = "object";
        items["additionalProperties"] = std::move(items["items"]);
        items.erase("items");
        doc.response = std::move(list);
        add_page_parameters(doc, false);
    }
};

}  // namespace typed_detail
}  // namespace meridian::http
