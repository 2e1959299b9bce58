#include "resource/page.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"

namespace meridian {
namespace {

TEST(Page, ReadsBothNamingForms) {
    struct Row {
        std::string_view says;
        TextPairs query;
        std::uint64_t number;
        std::uint32_t size;
        std::string_view problem = {};
    };
    const Row rows[] = {
        {"nothing given", {}, 1, page_size_default},
        {"page_size", {{"page", "3"}, {"page_size", "20"}}, 3, 20},
        {"per_page", {{"per_page", "20"}}, 1, 20},
        {"page_size wins", {{"per_page", "20"}, {"page_size", "30"}}, 1, 30},
        {"empty is absent", {{"page", ""}, {"page_size", ""}}, 1, page_size_default},
        {"Terraform's thousand is served", {{"page_size", "1000"}}, 1, 1000},
        {"more is capped", {{"page_size", "100000"}}, 1, page_size_max},
        {"and so is what does not fit 64 bits", {{"page_size", "99999999999999999999999"}}, 1, page_size_max},
        {"page 0", {{"page", "0"}}, 0, 0, "page"},
        {"page -1", {{"page", "-1"}}, 0, 0, "page"},
        {"a word", {{"page_size", "ten"}}, 0, 0, "page_size"},
        {"trailing letters", {{"per_page", "10x"}}, 0, 0, "per_page"},
    };
    for (const Row& row : rows) {
        try {
            const Page page = Page::from(row.query);
            EXPECT_TRUE(row.problem.empty()) << row.says;
            EXPECT_EQ(page.number, row.number) << row.says;
            EXPECT_EQ(page.size, row.size) << row.says;
        } catch (const Error& error) {
            EXPECT_EQ(error.fault, Fault::invalid);
            ASSERT_EQ(error.fields.size(), 1u);
            EXPECT_EQ(error.fields[0].name, row.problem) << row.says;
        }
    }
}

TEST(Page, PastTheEndIsEmptyWithTheTrueCount) {
    struct Row {
        std::uint64_t number;
        std::uint32_t size;
        std::vector<int> items;
    };
    const Row rows[] = {{1, 2, {0, 1}}, {3, 2, {4}}, {4, 2, {}}, {std::uint64_t{1} << 40, 1000, {}}, {1, 1000, {0, 1, 2, 3, 4}}};
    for (const Row& row : rows) {
        std::vector<int> all(5);
        std::iota(all.begin(), all.end(), 0);
        const auto page = page_of(all, {.number = row.number, .size = row.size});
        EXPECT_EQ(page.items, row.items) << row.number;
        EXPECT_EQ(page.total_count, 5u);
    }
}

TEST(Page, TokensLeadThroughTheWholeList) {
    std::vector<std::string> all;
    for (char c = 'a'; c <= 'g'; ++c) all.emplace_back(1, c);
    TextPairs query{{"page_size", "3"}};
    std::string seen;
    for (int pages = 0; pages < 5; ++pages) {
        const auto page = CursorPage::from(query);
        std::vector<std::string> found;
        for (const auto& each : all)
            if ((!page.after || each > *page.after) && found.size() <= page.size) found.push_back(each);
        const auto answer = cut(std::move(found), page, [](const std::string& each) { return each; });
        for (const auto& each : answer.items) seen += each;
        seen += '|';
        if (!answer.next_page_token) break;
        query = {{"page_size", "3"}, {"page_token", *answer.next_page_token}};
    }
    EXPECT_EQ(seen, "abc|def|g|");
}

TEST(Page, AForeignTokenIsInvalid) {
    try {
        (void)CursorPage::from({{"page_token", "!!"}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.fields.at(0).name, "page_token");
    }
}

}  // namespace
}  // namespace meridian
