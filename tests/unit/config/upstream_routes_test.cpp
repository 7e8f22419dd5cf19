// Routes that a service or a constant answers, and fallbacks.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

using ::testing::SizeIs;

const std::string services =
    "upstreams: { quotes: { url: \"http://127.0.0.1:1\" }, who: { url: \"http://127.0.0.1:2\", identity: forward } }\n";

/// The route's key stands in line 3.
std::string with_services(const std::string& key, const std::string& members) {
    std::string text = services + "routes:\n  " + key + ":\n    ";
    for (const char c : members) text.append(1, c).append(c == '\n' ? "    " : "");
    return text + "\n";
}

struct RouteCase {
    std::string key;
    std::string members;
    std::vector<std::string> mistakes;
};

void expect_route_mistakes(const std::vector<RouteCase>& cases) {
    std::vector<Case> whole;
    whole.reserve(cases.size());
    for (const auto& c : cases) whole.push_back({with_services(c.key, c.members), c.mistakes});
    expect_mistakes(whole);
}

}  // namespace

TEST(UpstreamRoutes, NeedNoDatabase) {
    const auto settings = load_text(with_services("GET /q/{id}", R"(params: { id: integer, c: string }
cache: 10s
upstream: { service: quotes, path: "/l/{id}", query: { c: ":c" }, pick: /a/0, method: POST, body: { id: ":id" } }
fallback: { body: { a: 1.10 } })"));
    EXPECT_FALSE(settings.postgres);
    ASSERT_THAT(settings.routes, SizeIs(1));
    const auto& call = std::get<UpstreamRoute>(settings.routes[0].kind).call;
    EXPECT_EQ(call.service, "quotes");
    EXPECT_EQ(call.path.text, "/l/{id}");
    EXPECT_EQ(call.pick, "/a/0");
    EXPECT_EQ(call.method, Method::post);
    ASSERT_TRUE(call.body);
    EXPECT_EQ(call.body->text, R"({"id":":id"})");
    ASSERT_THAT(settings.routes[0].fallbacks, SizeIs(1));
    EXPECT_EQ(std::get<Fallback::Constant>(settings.routes[0].fallbacks[0].source).json, R"({"a":1.10})");
}

TEST(UpstreamRoutes, MistakesAreToldAtTheirPlace) {
    expect_route_mistakes({
        {"GET /a", "upstream: { service: nobody, path: /a }", {"c.yaml:4:26: there is no service 'nobody' in 'upstreams'"}},
        {"GET /a",
         "upstream: { service: quote, path: /a }",
         {"c.yaml:4:26: there is no service 'quote' in 'upstreams', did you mean 'quotes'?"}},
        {"GET /a", "upstream: { path: /a }", {"c.yaml:4:15: 'upstream' needs 'service', a name of 'upstreams'"}},
        {"GET /a", "upstream: { service: quotes }", {"c.yaml:4:15: 'upstream' needs 'path', e.g. /v1/things/{id}"}},
        {"GET /a",
         "upstream: { service: quotes, path: a }",
         {"c.yaml:4:40: 'path' must begin with '/' and be encoded as in a URL, unlike 'a'"}},
        {"GET /a",
         "upstream: { service: quotes, path: \"/{x}\" }",
         {"c.yaml:4:40: '/{x}' names 'x', which is no parameter"}},
        {"GET /a",
         "params: { ids: { type: array, items: integer } }\nupstream: { service: quotes, path: /a, query: { i: \":ids\" } }",
         {"c.yaml:5:56: ':ids' names 'ids', which is an array"}},
        {"GET /a",
         "params: { x: string }\nupstream: { service: quotes, path: /a }",
         {"c.yaml:4:15: parameter 'x' is declared but not used: write ':x' in the call, or leave it out"}},
        {"GET /a",
         "upstream: { service: quotes, path: /a, pick: a }",
         {"c.yaml:4:50: 'pick' is a JSON pointer such as /result/0: it must be empty or begin with '/'"}},
        {"GET /a",
         "upstream: { service: quotes, path: /a, headers: { Host: x } }",
         {"c.yaml:4:55: 'Host' is no field that a route can set"}},
        {"GET /a",
         "upstream: { service: quotes, path: /a }\nresult: one",
         {"c.yaml:5:5: 'result' is for routes with 'sql'"}},
        {"GET /a",
         "upstream: { service: quotes, path: /a }\nrespond: { text: x }",
         {"c.yaml:5:5: a route has one of 'sql', 'upstream' and 'respond', and this one has 'upstream'"}},
        {"GET /a",
         "cache: 10s\nupstream: { service: who, path: /a }",
         {"c.yaml:5:26: 'who' is told who asks ('identity'), so 'cache' needs 'vary: identity': else one caller gets "
          "another's "
          "answer"}},
        {"GET /a",
         "cache: 10s\nupstream: { service: quotes, path: /a, query: { k: \":key_id\" } }",
         {"c.yaml:4:5: the call names :key_id, so 'cache' needs 'vary: identity': else one caller gets another's answer"}},
        {"GET /a",
         "respond: { text: x, body: 1 }",
         {"c.yaml:4:31: 'respond' has 'body', which is JSON, or 'text', not both"}},
        {"GET /a", "respond: { text: x }\ncache: 10s", {"c.yaml:5:5: 'cache' has no meaning beside 'respond'"}},
        {"GET /a",
         "upstream: { service: quotes, path: /a }\nfallback: { body: 1, upstream: { service: quotes, path: /b } }",
         {"c.yaml:5:15: a fallback has one of 'sql', 'upstream' and 'body'"}},
        {"POST /a",
         "upstream: { service: quotes, path: /a }\nfallback: { body: 1 }",
         {"c.yaml:5:5: 'fallback' is for GET: a write is done, or it is not"}},
    });
}

}  // namespace sluice::config
