#include "http/typed.h"

#include <gtest/gtest.h>

#include "base/sim/world.h"

namespace meridian::http {
namespace {

enum class Colour { red, green };
constexpr auto names(As<Colour>) { return words<Colour>({{Colour::red, "red"}, {Colour::green, "green"}}); }
struct Wish {
    std::string name;
    std::vector<std::string> tags;
};
constexpr auto describe(As<Wish>) { return fields(field("name", &Wish::name, length{1, 8}), field("tags", &Wish::tags)); }
struct Filter {
    std::optional<bool> is_open;
    std::vector<std::string> tags;
};
constexpr auto describe(As<Filter>) { return fields(field("open", &Filter::is_open), field("tags", &Filter::tags)); }
struct View {
    std::string name;
    std::uint64_t size = 0;
};
constexpr auto describe(As<View>) { return fields(field("name", &View::name), field("size", &View::size)); }

struct Somebody final : Principal {
    explicit Somebody(std::string n) : name(std::move(n)) {}
    std::string name;
};

class FakeExchange final : public Exchange {
public:
    Request& request() override { return asked; }
    Task<> answer(Response response) override {
        answered = std::move(response);
        co_return;
    }
    Task<> begin(int, Headers) override { co_return; }
    Task<bool> write(std::string_view) override { co_return true; }
    Task<> end() override { co_return; }
    [[nodiscard]] bool begun() const override { return false; }
    void on_hangup(std::move_only_function<void()>) override {}
    [[nodiscard]] bool gone() const override { return false; }

    Request asked;
    Response answered;
};

// Answers as services do: coroutines that take values.
class Things {
public:
    Task<View> make(Wish wish) { co_return View{wish.name, wish.tags.size()}; }
    Task<Created<View>> create(Call<Wish> call) {
        View made = co_await make(std::move(call.in));
        made.name += " for " + call.caller_as<Somebody>().name;
        co_return Created<View>{std::move(made)};
    }
    Task<NoContent> remove(DeploymentId) { co_return NoContent{}; }
    Task<Paged<View>> list(Filter filter, Page page) {
        std::vector<View> all;
        for (std::uint64_t i = 0; i < 5; ++i) all.push_back({filter.tags.empty() ? "any" : filter.tags.front(), i});
        co_return page_of(std::move(all), page);
    }
};

Permission may() { return {"read", "project"}; }
RouteDoc about() { return doc("DoIt", "Does it", "things"); }

Response ask(const Route& route, std::string body, Query query = {}, Params params = {}) {
    sim::World world(1);
    FakeExchange exchange;
    exchange.caller = std::make_shared<Somebody>("Ada");
    exchange.asked.method = route.method;
    exchange.asked.body = std::move(body);
    exchange.asked.query = std::move(query);
    exchange.asked.params = std::move(params);
    world.run(route.handler(exchange));
    return exchange.answered;
}

Error refused(const Route& route, std::string body, Query query = {}, Params params = {}) {
    try {
        (void)ask(route, std::move(body), std::move(query), std::move(params));
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "was not refused";
    return Error(Fault::bug, "");
}

Route create_route(Things& things, Dialect dialect) {
    return typed<Wish, Created<View>>("POST", "/things", may(), dialect, about(),
                                      [&things](Call<Wish> call) { return things.create(std::move(call)); });
}

TEST(Typed, AStructInAndAStructOut) {
    Things things;
    const Response made = ask(create_route(things, Dialect::meridian), R"({"name":"x","tags":["a","b"]})");
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.body, R"({"name":"x for Ada","size":2})");
    EXPECT_EQ(made.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(ask(create_route(things, Dialect::scaleway), R"({"name":"x"})").status, 200);
}

TEST(Typed, BadBodiesAreNamed) {
    Things things;
    const Route route = create_route(things, Dialect::scaleway);
    EXPECT_NE(refused(route, "{\"name\":").said.find("The body cannot be read: the JSON text ends too early"), std::string::npos);
    const Error empty = refused(route, "");
    ASSERT_EQ(empty.fields.size(), 1u);
    EXPECT_EQ(empty.fields[0].name, "name");
    EXPECT_EQ(refused(route, R"({"name":1,"tags":2})").fields.size(), 2u);
}

TEST(Typed, ListsPageAndFilter) {
    Things things;
    const auto route =
        typed<Filter, Listed<"things", View>>("GET", "/things", may(), Dialect::scaleway, about(), [&things](Call<Filter> call) {
            const Page page = call.page();
            return things.list(std::move(call.in), page);
        });
    EXPECT_EQ(ask(route, "{}", {{"page", "2"}, {"page_size", "2"}, {"tags", "a"}, {"open", "True"}}).body,
              R"({"things":[{"name":"a","size":2},{"name":"a","size":3}],"total_count":5})");
    EXPECT_EQ(ask(route, "{}", {{"page", "9"}}).body, R"({"things":[],"total_count":5})");
    EXPECT_EQ(refused(route, "", {{"open", "maybe"}}).fields.at(0).name, "open");
    EXPECT_EQ(refused(route, "", {{"page", "0"}}).fields.at(0).name, "page");
}

TEST(Typed, TheTotalMayTravelInAHeader) {
    const auto route = typed<Nothing, Listed<"servers", View, Total::header>>("GET", "/servers", may(), Dialect::scaleway, about(),
                                                                              [](Call<>) { return Paged<View>{{{"a", 1}}, 7}; });
    const Response made = ask(route, "");
    EXPECT_EQ(made.body, R"({"servers":[{"name":"a","size":1}]})");
    EXPECT_EQ(made.headers.get("X-Total-Count"), "7");
}

TEST(Typed, CursorsEndWithNull) {
    const auto route = typed<Nothing, CursorListed<"events", View>>("GET", "/events", may(), Dialect::scaleway, about(), [](Call<> call) {
        std::vector<View> all{{"a", 1}, {"b", 2}};
        if (call.cursor_page().after) all.erase(all.begin());
        return cut(std::move(all), call.cursor_page(), [](const View& view) { return view.name; });
    });
    EXPECT_EQ(ask(route, "", {{"page_size", "1"}}).body, R"({"events":[{"name":"a","size":1}],"next_page_token":"YQ"})");
    EXPECT_EQ(ask(route, "", {{"page_size", "1"}, {"page_token", "YQ"}}).body,
              R"({"events":[{"name":"b","size":2}],"next_page_token":null})");
}

TEST(Typed, IdsInThePathThatCannotBeAreNotFound) {
    Things things;
    const auto route =
        typed<Nothing, NoContent>("DELETE", "/deployments/{deployment_id}", may(), Dialect::scaleway, about(),
                                  [&things](Call<> call) { return things.remove(id_param<DeploymentId>(call, "deployment_id")); });
    const Response made = ask(route, "{}", {}, {{"deployment_id", "00112233-4455-6677-8899-aabbccddeeff"}});
    EXPECT_EQ(made.status, 204);
    EXPECT_TRUE(made.body.empty());
    const Error error = refused(route, "", {}, {{"deployment_id", "nope"}});
    EXPECT_EQ(error.fault, Fault::not_found);
    EXPECT_EQ(error.resource, "deployment");
    EXPECT_EQ(error.resource_id, "nope");
}

TEST(Typed, FilesAreJsonOrBareBytes) {
    const auto route = typed<Nothing, NamedFile>("GET", "/file", may(), Dialect::scaleway, about(),
                                                 [](Call<>) { return NamedFile{"a b.pem", "application/x-pem-file", "hi"}; });
    EXPECT_EQ(ask(route, "").body, R"({"name":"a b.pem","content_type":"application/x-pem-file","content":"aGk="})");
    const Response bare = ask(route, "", {{"dl", "1"}});
    EXPECT_EQ(bare.body, "hi");
    EXPECT_EQ(bare.headers.get("Content-Type"), "application/x-pem-file");
    EXPECT_EQ(bare.headers.get("Content-Disposition"), "attachment; filename*=UTF-8''a%20b.pem");
}

TEST(Typed, QueryParametersOneByOne) {
    Called call;
    call.query = {{"a", "True"}, {"t", "2026-11-24 19:33:39+00:00"}, {"l", "1"}, {"l", "2"}, {"e", ""}, {"c", "green"}, {"bad", "x"}};
    EXPECT_EQ(query_bool(call, "a"), true);
    EXPECT_EQ(query_bool(call, "e"), std::nullopt);
    EXPECT_EQ(query_time(call, "t"), parse_rfc3339("2026-11-24T19:33:39Z"));
    EXPECT_EQ(query_list(call, "l"), (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(query_word<Colour>(call, "c"), Colour::green);
    EXPECT_EQ(query_id<ProjectId>(call, "none"), std::nullopt);
    const std::function<void()> bad[] = {[&] { (void)query_bool(call, "bad"); }, [&] { (void)query_time(call, "bad"); },
                                         [&] { (void)query_id<ProjectId>(call, "bad"); }, [&] { (void)query_word<Colour>(call, "bad"); }};
    for (const auto& read : bad) {
        try {
            read();
            ADD_FAILURE();
        } catch (const Error& error) {
            EXPECT_EQ(error.fields.at(0).name, "bad");
        }
    }
}

}  // namespace
}  // namespace meridian::http
