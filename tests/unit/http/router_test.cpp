#include "http/router.hpp"

#include "sluice/problem.hpp"
#include "sluice/settings.hpp"
#include "support/exchange_fixture.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Request {
    Request(Method method, std::string_view target) {
        const auto question = std::min(target.find('?'), target.size());
        exchange.request.method = method;
        exchange.request.target = target;
        exchange.request.raw_path = target.substr(0, question);
        exchange.request.raw_query = target.substr(std::min(question + 1, target.size()));
    }
    boost::asio::io_context loop{1};
    test::NoBody body;
    Exchange exchange{loop.get_executor(), body};
};

std::vector<Route> routes(std::initializer_list<std::pair<Method, const char*>> patterns) {
    std::vector<Route> list;
    for (const auto& [method, pattern] : patterns) {
        Route route;
        route.method = method;
        route.pattern = pattern;
        route.handler = [](Exchange&) -> awaitable<Response> { co_return Response::empty(204); };
        list.push_back(std::move(route));
    }
    return list;
}

const Router& cities() {
    static const Router router{routes({{Method::get, "/"},
                                       {Method::get, "/v1/cities"},
                                       {Method::get, "/v1/cities/{id}"},
                                       {Method::put, "/v1/cities/{city}"},
                                       {Method::get, "/v1/cities/largest"},
                                       {Method::get, "/v1/cities/{id}/reviews"},
                                       {Method::post, "/v1/cities/{id}/reviews"},
                                       {Method::get, "/v1/cities/largest/map"},
                                       {Method::get, "/v1/{kind}/largest/{what}/x"}})};
    return router;
}

std::string pattern_for(Method method, std::string_view target) {
    Request request{method, target};
    cities().match(request.exchange);
    return request.exchange.route->pattern;
}

Response answer(const Router& router, Method method, std::string_view target) {
    Request request{method, target};
    router.match(request.exchange);
    return test::run(request.exchange.route->handler(request.exchange));
}

std::string mistakes(std::vector<Route> list) {
    try {
        const Router router{std::move(list)};
        return "none";
    } catch (const ConfigurationError& error) {
        return error.what();
    }
}

}  // namespace

TEST(Router, PrefersTextToAParameter) {
    EXPECT_EQ(pattern_for(Method::get, "/v1/cities/largest"), "/v1/cities/largest");
    EXPECT_EQ(pattern_for(Method::get, "/v1/cities/5"), "/v1/cities/{id}");
    EXPECT_EQ(pattern_for(Method::get, "/"), "/");
}

TEST(Router, GoesBackWhereTextLeadsNowhere) {
    EXPECT_EQ(pattern_for(Method::get, "/v1/cities/largest/map"), "/v1/cities/largest/map");
    EXPECT_EQ(pattern_for(Method::get, "/v1/cities/largest/reviews"), "/v1/cities/{id}/reviews");
    Request request{Method::get, "/v1/cities/largest/y/x"};
    cities().match(request.exchange);
    EXPECT_EQ(request.exchange.route->pattern, "/v1/{kind}/largest/{what}/x");
    EXPECT_THAT(request.exchange.path_values, ElementsAre("cities", "y"));
}

TEST(Router, AMethodDoesNotChangeWhoseAPathIs) {
    EXPECT_EQ(answer(cities(), Method::put, "/v1/cities/5").status, 204u);
    const auto response = answer(cities(), Method::put, "/v1/cities/largest");
    EXPECT_EQ(response.status, 405u);
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, OPTIONS");
}

TEST(Router, DecodesPathValues) {
    Request request{Method::get, "/v1/cities/S%C3%A3o%20Paulo%2F+?a=b+c&d"};
    cities().match(request.exchange);
    EXPECT_THAT(request.exchange.path_values, ElementsAre("São Paulo/+"));
    ASSERT_EQ(request.exchange.query.size(), 2u);
    EXPECT_EQ(request.exchange.query[0].value, "b c");
    EXPECT_EQ(request.exchange.query[1].name, "d");
}

TEST(Router, TextMatchesItsEncodedForms) {
    EXPECT_EQ(pattern_for(Method::get, "/v1/c%69ties/5"), "/v1/cities/{id}");
    EXPECT_EQ(pattern_for(Method::get, "/v1%2Fcities/5"), "unmatched") << "an encoded slash separates nothing";
}

TEST(Router, AParameterTakesOneNonEmptySegment) {
    for (const auto* path :
         {"/v1/cities/", "/v1/cities//reviews", "/v1/cities/5/", "/v1", "/v2", "//", "/v1/cities/5/reviews/1"}) {
        EXPECT_EQ(pattern_for(Method::get, path), "unmatched") << path;
    }
}

TEST(Router, UnmatchedPathsAreAnsweredByARouteOfTheirOwn) {
    Request request{Method::delete_, "/nowhere"};
    cities().match(request.exchange);
    ASSERT_NE(request.exchange.route, nullptr);
    EXPECT_EQ(request.exchange.route->options.auth, AuthMode::none);
    EXPECT_TRUE(request.exchange.route->options.rate_limited);
    EXPECT_EQ(test::run(request.exchange.route->handler(request.exchange)).status, 404u);
}

TEST(Router, OtherMethodsOfAKnownPathAre405WithAllow) {
    EXPECT_EQ(pattern_for(Method::delete_, "/v1/cities/5"), "/v1/cities/{id}");
    const auto response = answer(cities(), Method::delete_, "/v1/cities/5");
    EXPECT_EQ(response.status, 405u);
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, PUT, OPTIONS");
    EXPECT_EQ(response.headers.find("Content-Type"), "application/problem+json");
}

TEST(Router, OptionsNamesTheMethods) {
    const auto response = answer(cities(), Method::options, "/v1/cities/5/reviews");
    EXPECT_EQ(response.status, 204u);
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(pattern_for(Method::options, "/v1/cities/5/reviews"), "/v1/cities/{id}/reviews");
    EXPECT_EQ(answer(cities(), Method::options, "/nowhere").status, 404u);
    const auto everything = answer(cities(), Method::options, "*");
    EXPECT_EQ(everything.status, 204u);
    EXPECT_EQ(everything.headers.find("Allow"), "GET, HEAD, POST, PUT, OPTIONS");
}

TEST(Router, EveryRouteOfAPathKnowsItsMethods) {
    const auto allow = [](Method method, std::string_view target) {
        Request request{method, target};
        cities().match(request.exchange);
        return request.exchange.route->allow;
    };
    for (const auto method : {Method::get, Method::head, Method::post, Method::options, Method::delete_})
        EXPECT_EQ(allow(method, "/v1/cities/5/reviews"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(allow(Method::get, "/nowhere"), "");
    EXPECT_EQ(allow(Method::get, "/v1/%zz"), "");
}

TEST(Router, HeadTakesTheRouteOfGet) {
    Request request{Method::head, "/v1/cities/5"};
    cities().match(request.exchange);
    EXPECT_EQ(request.exchange.route->method, Method::get);
    EXPECT_EQ(request.exchange.request.method, Method::head);
    EXPECT_EQ(request.exchange.route->index, 2u);
}

TEST(Router, TargetsThatCannotBeDecodedAre400) {
    for (const auto* target :
         {"/v1/cities/%zz", "/v1/cities/%ff", "/v1/cities/a%00", "/nowhere/%", "/v1/cities?a=%f", "/?%ff"}) {
        EXPECT_EQ(pattern_for(Method::get, target), "malformed") << target;
        const auto response = answer(cities(), Method::get, target);
        EXPECT_EQ(response.status, 400u) << target;
        EXPECT_THAT(response.body, HasSubstr("\"errors\":[{")) << target;
    }
}

TEST(Router, ListsGivenRoutesFirst) {
    EXPECT_EQ(cities().configured(), 9u);
    ASSERT_GT(cities().routes().size(), 9u);
    for (std::size_t i = 0; i < cities().routes().size(); ++i) EXPECT_EQ(cities().routes()[i].index, i);
    EXPECT_THAT(cities().routes()[8].parameter_names, ElementsAre("kind", "what"));
}

TEST(Router, ConflictsNameBothPatterns) {
    EXPECT_EQ(mistakes(routes({{Method::get, "/a/{id}"}, {Method::get, "/a/{name}"}})),
              "GET /a/{name} conflicts with GET /a/{id}");
    EXPECT_EQ(mistakes(routes({{Method::get, "/a"}, {Method::get, "/a"}})), "GET /a conflicts with GET /a");
    EXPECT_EQ(mistakes(routes({{Method::get, "/a/{id}"}, {Method::post, "/a/{name}"}, {Method::get, "/a/b"}})), "none");
}

TEST(Router, ReportsEveryMalformedPattern) {
    for (const auto* pattern : {"", "a", "/a?b", "/a#b", "/a b", "/%20", "/a{id}", "/{id}x", "/{}", "/{1}", "/{a-b}",
                                "/{a}/{a}", "/{a", "/a}", "/{{a}}", "/ä"}) {
        EXPECT_THAT(mistakes(routes({{Method::get, pattern}})), HasSubstr("the pattern ")) << pattern;
    }
    EXPECT_THAT(mistakes(routes({{Method::get, "a"}, {Method::get, "b"}})), HasSubstr("\n"));
}

TEST(Router, FindsEachOfAThousandRoutes) {
    std::vector<Route> list;
    for (int i = 0; i < 1000; ++i) {
        Route route;
        route.pattern = "/v1/things" + std::to_string(i) + "/{id}/parts";
        list.push_back(std::move(route));
    }
    const Router router{std::move(list)};
    for (std::size_t i = 0; i < 1000; ++i) {
        const auto target = "/v1/things" + std::to_string(i) + "/x/parts";
        Request request{Method::get, target};
        router.match(request.exchange);
        EXPECT_EQ(request.exchange.route->index, i);
    }
}

TEST(Router, RoutesKeepTheirAddressesWhenItMoves) {
    Router router{routes({{Method::get, "/a"}})};
    const auto* route = &router.routes().front();
    const Router moved{std::move(router)};
    EXPECT_EQ(&moved.routes().front(), route);
}

}  // namespace sluice::http
