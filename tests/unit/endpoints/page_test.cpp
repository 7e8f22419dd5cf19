#include "endpoints/page.hpp"

#include "endpoints/cache_key.hpp"
#include "sluice/handler.hpp"
#include "support/exchange_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace sluice::endpoints {

using test::ExchangeFixture;
namespace {

const std::vector<std::string> secrets{"0123456789abcdef"};

RouteSettings cities() {
    RouteSettings route;
    route.pattern = "/v1/cities";
    ParameterSettings country;
    country.name = "country";
    route.parameters = {country};
    route.sql().page.emplace();
    route.sql().page->by = {{"population", true, {}}, {"id", false, {}}};
    return route;
}

/// The values of a request: country, limit, cursor.
Page::Values values(std::optional<std::string> country, std::optional<std::string> cursor, std::string limit = "20") {
    return {std::move(country), std::move(limit), std::move(cursor)};
}

QueryResult page_of(std::string json, std::optional<std::string> key) {
    QueryResult result;
    result.json = std::move(json);
    result.last_key = std::move(key);
    return result;
}

std::string envelope(const Page& page, const QueryResult& result, const Page::Values& of) {
    return "{\"data\":" + result.json + page.behind_rows(result, of);
}

/// The cursor behind a row with this key.
std::string cursor(const Page& page, const Page::Values& of, std::string key = R"(["2000","7"])") {
    return std::string{next_cursor(envelope(page, page_of("[]", std::move(key)), of)).value()};
}

}  // namespace

TEST(Page, AddsItsParametersBehindTheDeclaredOnes) {
    auto route = cities();
    route.sql().page->size = 5;
    route.sql().page->max = 50;
    const auto parameters = query_and_path_parameters(route);
    ASSERT_EQ(parameters.size(), 3U);
    EXPECT_EQ(parameters[1].name, "limit");
    EXPECT_EQ(parameters[1].default_value, "5");
    EXPECT_EQ(parameters[1].minimum, "1");
    EXPECT_EQ(parameters[1].maximum, "50");
    EXPECT_EQ(parameters[2].name, "cursor");
    EXPECT_EQ(parameters[2].max_length, Page::longest_cursor);
    route.sql().page.reset();
    EXPECT_EQ(query_and_path_parameters(route).size(), 1U);
}

TEST(Page, ACursorHasItsOrder) {
    auto route = cities();
    route.sql().page->by.clear();
    route.sql().page->orders = {{"largest", {{"population", true, {}}, {"id", false, {}}}},
                                {"name", {{"name", false, {}}}},
                                {"last", {{"population", true, {}}, {"id", false, {}}}}};
    route.sql().page->default_order = 1;
    const auto parameters = query_and_path_parameters(route);
    ASSERT_EQ(parameters.size(), 4U);
    EXPECT_EQ(parameters[1].name, "order");
    EXPECT_EQ(parameters[1].enumeration, (std::vector<std::string>{"largest", "name", "last"}));
    const Page page{route, secrets};
    const auto asked = [](std::optional<std::string> order, std::optional<std::string> cursor) {
        return Page::Values{"FR", std::move(order), "20", std::move(cursor)};
    };
    const auto settled = [&](std::optional<std::string> order, std::optional<std::string> cursor) {
        auto values = asked(std::move(order), std::move(cursor));
        page.settle_order(values);
        return values;
    };
    EXPECT_EQ(settled({}, {})[1], "name");
    EXPECT_EQ(page.order(settled({}, {})), 1U);
    EXPECT_EQ(page.order(settled("last", {})), 2U);
    const auto largest = cursor(page, asked("largest", {}));
    EXPECT_TRUE(page.position(settled("largest", largest)));
    EXPECT_FALSE(page.position(settled("name", largest)));
    EXPECT_FALSE(page.position(settled("last", largest))) << "of the same columns";
    EXPECT_EQ(settled({}, largest)[1], "largest");
    EXPECT_EQ(page.position(settled({}, largest))->after.size(), 2U);
    EXPECT_FALSE(page.position(settled({}, "made up")));
    auto other = route;
    other.sql().page->orders[0].by = {{"name", false, {}}, {"id", false, {}}};
    EXPECT_FALSE((Page{other, secrets}.position(settled("largest", largest)))) << "the order has changed";
    EXPECT_NE((Page{other, secrets}.mark()), page.mark());
}

TEST(Page, TheFirstHasNoCursorAndTheLastNoNext) {
    const Page page{cities(), secrets};
    const auto position = page.position(values("FR", {}, "7"));
    ASSERT_TRUE(position);
    EXPECT_EQ(position->limit, 7U);
    EXPECT_TRUE(position->after.empty());
    const auto last = envelope(page, page_of(R"([{"id":1}])", {}), values("FR", {}));
    EXPECT_EQ(last, R"({"data":[{"id":1}],"next":null})");
    EXPECT_EQ(next_cursor(last), std::nullopt);
}

TEST(Page, TheNextBringsTheKeyBackWhateverTheLimit) {
    const Page page{cities(), secrets};
    const auto asked = values("FR", {});
    const auto body = envelope(page, page_of(R"([{"name":"\",\"next\":\"x\"}"}])", R"(["20\"00", null])"), asked);
    const auto parsed = nlohmann::json::parse(body);
    EXPECT_EQ(parsed.at("next").get<std::string>(), next_cursor(body));
    const auto position = page.position(values("FR", std::string{*next_cursor(body)}, "3"));
    ASSERT_TRUE(position);
    EXPECT_EQ(position->limit, 3U);
    EXPECT_THAT(position->after, ::testing::ElementsAre(std::optional<std::string>{"20\"00"}, std::nullopt));
}

TEST(Page, ACursorHoldsForItsRouteOrderParametersAndSecretOnly) {
    const Page page{cities(), secrets};
    const auto given = cursor(page, values("FR", {}));
    EXPECT_TRUE(page.position(values("FR", given)));
    EXPECT_FALSE(page.position(values("DE", given)));
    EXPECT_FALSE(page.position(values({}, given)));
    EXPECT_FALSE(page.position(values("FR", cursor(page, values({}, {}))))) << "nothing is not the empty text";
    EXPECT_FALSE(page.position(values("", cursor(page, values({}, {})))));

    auto other = cities();
    other.pattern = "/v1/towns";
    EXPECT_FALSE((Page{other, secrets}.position(values("FR", given))));
    other = cities();
    other.sql().page->by[1].descending = true;
    EXPECT_FALSE((Page{other, secrets}.position(values("FR", given))));
    EXPECT_FALSE((Page{cities(), {"another secret, as long"}}.position(values("FR", given))));
    EXPECT_TRUE((Page{cities(), {"another secret, as long", secrets[0]}}.position(values("FR", given)))) << "rotation";
}

TEST(Page, RefusesWhatItHasNotSigned) {
    const Page page{cities(), secrets};
    auto forged = cursor(page, values("FR", {}));
    for (std::size_t i = 0; i < forged.size(); ++i) {
        auto changed = forged;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(page.position(values("FR", changed))) << i;
    }
    for (const auto* text : {"", "x", "null", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "é"}) {
        EXPECT_FALSE(page.position(values("FR", text))) << text;
    }
    EXPECT_FALSE(page.position(values("FR", cursor(page, values("FR", {}), R"(["one"])")))) << "too few columns";
}

TEST(Page, RefusesToMakeACursorTooLongToComeBack) {
    const Page page{cities(), secrets};
    const auto key = [](std::size_t length) { return R"([")" + std::string(length, 'x') + R"(","7"])"; };
    EXPECT_LE(cursor(page, values("FR", {}), key(2900)).size(), Page::longest_cursor);
    EXPECT_THROW(cursor(page, values("FR", {}), key(4000)), std::length_error);
}

TEST(Page, CannotBeMadeWithoutASecretOrAnOrder) {
    EXPECT_THROW((Page{cities(), {}}), std::invalid_argument);
    auto route = cities();
    route.sql().page->size = 101;
    EXPECT_THROW((Page{route, secrets}), std::invalid_argument);
    route = cities();
    route.sql().page->by.clear();
    EXPECT_THROW((Page{route, secrets}), std::invalid_argument);
}

TEST(Page, AnswersThatHoldOtherCursorsAreKeptApart) {
    const Page page{cities(), secrets};
    EXPECT_EQ(page.mark(), (Page{cities(), {secrets[0], "an older secret, as long"}}.mark()));
    EXPECT_NE(page.mark(), (Page{cities(), {"a newer secret, as long", secrets[0]}}.mark()));
    auto route = cities();
    route.sql().page->by[0].descending = false;
    EXPECT_NE(page.mark(), (Page{route, secrets}.mark()));
}

TEST(NextLink, KeepsTheOtherParametersAndReplacesTheCursor) {
    ExchangeFixture fixture{"/v1/cities"};
    EXPECT_EQ(next_link(fixture.exchange, "abc-_"), R"(</v1/cities?cursor=abc-_>; rel="next")");
    fixture.exchange.query = {{"country", "FR"}, {"cursor", "old"}, {"limit", "20"}};
    EXPECT_EQ(next_link(fixture.exchange, "new"), R"(</v1/cities?country=FR&limit=20&cursor=new>; rel="next")");
}

TEST(NextLink, IsAUriWhateverTheRequestHolds) {
    ExchangeFixture fixture{"/städte/{name}/von/{id}"};
    fixture.exchange.path_values = {"a/b>\r\n \"é", "7"};
    fixture.exchange.query = {{"q q", "x&y=z>; rel=\"prev\"\r\n"}};
    EXPECT_EQ(next_link(fixture.exchange, "c"),
              "</st%C3%A4dte/a%2Fb%3E%0D%0A%20%22%C3%A9/von/7"
              "?q%20q=x%26y%3Dz%3E%3B%20rel%3D%22prev%22%0D%0A&cursor=c>; rel=\"next\"");
}

}  // namespace sluice::endpoints
