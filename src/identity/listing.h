// Lists in SQL: conditions with their values, an order, a page, and the count of all that fit, which is kept for the usual conditions.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "identity/store.h"
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
        return where(fmt::format(fmt::runtime(condition), place(value)));
    }
    // The text that stands for a value in a condition.
    template <class V>
    std::string place(const V& value) {
        values_.push_back(store::value(value));
        return fmt::format("${}", values_.size());
    }
    Listing& where(std::string condition) {
        conditions_.push_back(std::move(condition));
        return *this;
    }
    // Of an organization, which has a count of all that is in its table; `column` may be qualified.
    Listing& of(std::string kind, const OrganizationId& organization, std::string_view column = "organization_id") {
        kind_ = std::move(kind);
        organization_ = organization;
        ++counted_;
        return where(fmt::format("{} = {}", column, place(organization)));
    }
    // A condition that is counted, too.
    Listing& part(std::string_view column, std::string_view word) {
        kind_ += fmt::format(":{}", word);
        ++counted_;
        return where(fmt::format("{} = {}", column, place(word)));
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
        for (const auto& one : wanted) places.push_back(place(one));
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
        return this->page(tx, page, columns<Row>(), [](const store::Row& row) { return from_row<Row>(row); });
    }
    // What `f` makes of each row of `columns`.
    template <class F>
    auto page(store::Tx& tx, const Page& page, std::string_view columns, F f) const -> Paged<std::invoke_result_t<F&, const store::Row&>> {
        const std::string rest = conditions_.empty() ? "" : fmt::format("where {}", fmt::join(conditions_, " and "));
        Paged<std::invoke_result_t<F&, const store::Row&>> made;
        made.total_count = total(tx, rest);
        if (page.offset() >= made.total_count) return made;
        const auto sql =
            fmt::format("select {} from {} {} order by {} limit {} offset {}", columns, table_, rest, order_, page.size, page.offset());
        for (const auto& row : tx.do_query(sql, values_)) made.items.push_back(f(row));
        return made;
    }

private:
    [[nodiscard]] std::uint64_t total(store::Tx& tx, const std::string& rest) const {
        if (counted_ > 0 && counted_ == conditions_.size()) return static_cast<std::uint64_t>(count_of(tx, kind_, organization_));
        return tx.do_query(fmt::format("select count(*) as n from {} {}", table_, rest), values_).front().get<std::uint64_t>("n");
    }

    std::string table_, order_ = "id", kind_;
    OrganizationId organization_;
    std::size_t counted_ = 0;  // of the conditions, those that `kind_` has
    std::vector<std::string> conditions_;
    std::vector<store::Value> values_;
};

}  // namespace meridian::identity
