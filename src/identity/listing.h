// Lists in SQL: conditions with their values, an order, a page, and the count of all that fit.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "resource/page.h"
#include "resource/sql_bind.h"
#include "store/store.h"

namespace meridian::identity {

class Listing {
public:
    explicit Listing(std::string table) : table_(std::move(table)) {}

    // `condition` has {} where its value goes: "name = {}".
    template <class V>
    Listing& where(std::string_view condition, const V& value) {
        values_.push_back(store::value(value));
        return where(fmt::format(fmt::runtime(condition), fmt::format("${}", values_.size())));
    }
    Listing& where(std::string condition) {
        conditions_.push_back(std::move(condition));
        return *this;
    }
    // Nothing to hold where there is no value.
    template <class V>
    Listing& where_if(std::string_view condition, const std::optional<V>& value) {
        return value ? where(condition, *value) : *this;
    }
    // One of several; any for none.
    template <class V>
    Listing& among(std::string_view column, const std::vector<V>& wanted) {
        if (wanted.empty()) return *this;
        std::vector<std::string> places;
        for (const auto& one : wanted) {
            values_.push_back(store::value(one));
            places.push_back(fmt::format("${}", values_.size()));
        }
        return where(fmt::format("{} in ({})", column, fmt::join(places, ", ")));
    }
    // The word of an order, "created_at_desc"; ties fall to `unique`, so that pages never overlap.
    Listing& order(std::string_view word, std::string_view unique = "id") {
        const bool is_down = word.ends_with("_desc");
        word.remove_suffix(is_down ? 5 : 4);
        order_ = fmt::format("{} {}, {}", word, is_down ? "desc" : "asc", unique);
        return *this;
    }

    template <Described Row>
    Paged<Row> page(store::Tx& tx, const Page& page) const {
        const std::string rest = conditions_.empty() ? "" : fmt::format("where {}", fmt::join(conditions_, " and "));
        Paged<Row> made;
        made.total_count =
            tx.do_query(fmt::format("select count(*) as n from {} {}", table_, rest), values_).front().get<std::uint64_t>("n");
        if (page.offset() >= made.total_count) return made;
        const auto sql = select_sql<Row>(table_, fmt::format("{} order by {} limit {} offset {}", rest, order_, page.size, page.offset()));
        for (const auto& row : tx.do_query(sql, values_)) made.items.push_back(from_row<Row>(row));
        return made;
    }

private:
    std::string table_, order_ = "id";
    std::vector<std::string> conditions_;
    std::vector<store::Value> values_;
};

}  // namespace meridian::identity
