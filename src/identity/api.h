// The routes of this room, one function for each foreign API.
#pragma once
#include <algorithm>
#include <compare>
#include <functional>
#include <vector>

#include "http/route.h"
#include "identity/service.h"

namespace meridian::identity {

void add_iam_routes(http::Router& router, Identity& identity);
void add_account_routes(http::Router& router, Identity& identity);

// Ties fall to what is unique, so that pages never overlap.
template <class T, class Member, class Unique>
void sort_by(std::vector<T>& list, Member member, Unique unique, bool descending) {
    std::ranges::sort(list, [&](const T& a, const T& b) {
        const auto order = std::compare_three_way()(std::invoke(member, a), std::invoke(member, b));
        if (order == 0) return std::invoke(unique, a) < std::invoke(unique, b);
        return descending ? order > 0 : order < 0;
    });
}

}  // namespace meridian::identity
