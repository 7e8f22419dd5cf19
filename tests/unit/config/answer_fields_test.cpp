// `headers:` of a route.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {

TEST(AnswerFieldsSection, ReadsNamesAndValues) {
    const auto route = load_text(with_route("POST /a/{id}", R"(params: { q: string }
body: { properties: { text: {}, sub: {} } }
result: one
sql: select :id as id, :body.sub as it
headers: { Location: "/a/{id}", X-Any: "{q} {text} {body.sub} {column}", X-Plain: text })"))
                           .routes.at(0);
    ASSERT_EQ(route.headers.size(), 3U);
    EXPECT_EQ(route.headers[0].name, "Location");
    EXPECT_EQ(route.headers[0].value, "/a/{id}");
    EXPECT_EQ(route.headers[1].value, "{q} {text} {body.sub} {column}") << "a parameter that only a field names is used";
    EXPECT_EQ(route.headers[2].value, "text");
}

TEST(AnswerFieldsSection, SaysWhatIsWrong) {
    const auto with = [](const std::string& headers, const std::string& more = "") {
        return with_route("GET /a/{id}", "sql: select :id\nheaders: { " + headers + " }" + more);
    };
    const auto managed = [](const std::string& name) {
        return "c.yaml:4:16: '" + name + "' differs from answer to answer and is managed by Sluice";
    };
    std::vector<Case> cases;
    for (const std::string name : {"Content-Length", "transfer-encoding", "Connection", "Content-Type", "ETag", "Vary",
                                   "Date", "Cache-Control", "X-RateLimit-Limit", "X-Request-Id", "Retry-After"}) {
        cases.push_back({with(name + ": x"), {managed(name)}});
    }
    for (const std::string name : {"Set-Cookie", "Cache-Tag", "Sluice-Consistency", "Idempotency-Replayed"})
        cases.push_back({with(name + ": x"), {"c.yaml:4:16: '" + name + "' is managed by Sluice"}});
    cases.insert(
        cases.end(),
        {
            {with("Access-Control-Allow-Origin: x"), {"c.yaml:4:16: 'Access-Control-Allow-Origin' is what 'cors' writes"}},
            {with("X Y: x"), {"c.yaml:4:16: 'X Y' is no header field name: letters, digits and '-'"}},
            {with("X-A: x, x-a: y"), {"c.yaml:4:24: 'x-a' is set twice; case does not matter in its name"}},
            {with("X-A: [x]"), {"c.yaml:4:21: 'X-A' must be a text, not a list"}},
            {with("X-A: ''"), {"c.yaml:4:21: the value of 'X-A' must be one line of ASCII, without blanks around it"}},
            {with(R"(X-A: "a\r\nb")"),
             {"c.yaml:4:21: the value of 'X-A' must be one line of ASCII, without blanks around it"}},
            {with("X-A: '{id'"), {"c.yaml:4:21: the value of 'X-A' has a '{' without '}'"}},
            {with("X-A: '{idd}'"),
             {"c.yaml:4:21: 'X-A' names 'idd', which is no parameter; columns are for 'result: one', did you mean 'id'?"}},
            {with("X-A: '{sub}'", "\nresult: one"), {"c.yaml:4:21: 'X-A' cannot name 'sub'"}},
            {with("X-A: '{a b}'", "\nresult: one"), {"c.yaml:4:21: 'X-A' names 'a b', which is no parameter"}},
            {with_route("GET /a",
                        "params: { ids: { type: array, items: integer } }\nsql: select :ids\nheaders: { X-A: '{ids}' }"),
             {"c.yaml:5:21: 'X-A' names 'ids', which is an array"}},
            {with_route("GET /a", "sql: select 1\npage: { by: id }\nheaders: { Link: </b> }"),
             {"c.yaml:5:16: 'Link' leads to the next page: 'page' writes it"}},
        });
    expect_mistakes(cases);
}

}  // namespace sluice::config
