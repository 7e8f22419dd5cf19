// `server.cors` and `server.headers`.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(CorsSection, IsOffUnlessWritten) {
    EXPECT_FALSE(load_text("").server.cors);
    EXPECT_FALSE(load_text("server: { cors: { origins: [\"${WEB:-}\"] } }").server.cors);
    EXPECT_FALSE(load_text("server: { cors: { origins: [] } }").server.cors);
}

TEST(CorsSection, ReadsEverything) {
    const auto cors = load_text(R"(server:
  cors:
    origins: ["HTTPS://App.example.com:443", "https://*.example.com", "${MORE:-}"]
    methods: [GET, DELETE]
    headers: [X-One]
    expose: [X-Two, ""]
    credentials: true
    max_age: 1h
)")
                          .server.cors;
    ASSERT_TRUE(cors);
    EXPECT_THAT(cors->origins, ElementsAre("https://app.example.com", "https://*.example.com"));
    EXPECT_THAT(cors->methods, ElementsAre("GET", "DELETE"));
    EXPECT_THAT(cors->headers, ElementsAre("X-One"));
    EXPECT_THAT(cors->expose, ElementsAre("X-Two"));
    EXPECT_TRUE(cors->credentials);
    EXPECT_EQ(cors->max_age, 1h);
}

TEST(CorsSection, DefaultsSuitAnApi) {
    const auto cors = load_text("server: { cors: { origins: ['*'] } }").server.cors;
    ASSERT_TRUE(cors);
    EXPECT_THAT(cors->methods, IsEmpty());
    EXPECT_THAT(cors->headers, Contains("X-API-Key"));
    EXPECT_THAT(cors->expose, Contains("X-RateLimit-Remaining"));
    EXPECT_FALSE(cors->credentials);
    EXPECT_EQ(cors->max_age, 10min);
}

TEST(CorsSection, ReportsMistakesAtTheirPlaces) {
    expect_mistakes({
        {"server: { cors: '*' }", {"c.yaml:1:17: 'cors' must be a mapping, not a text"}},
        {"server: { cors: { credentials: false } }",
         {"c.yaml:1:11: 'cors' needs 'origins', such as [\"https://app.example.com\"]"}},
        {"server: { cors: { origin: ['*'] } }", {"c.yaml:1:19: unknown key 'origin', did you mean 'origins'?"}},
        {"server: { cors: { origins: '*' } }",
         {"c.yaml:1:28: 'origins' must be a list, not a text: put it in brackets, '[…]'"}},
        {"server:\n  cors:\n    origins:\n      - https://a.example/\n      - b.example\n      - https://c.example/d\n",
         {"c.yaml:4:9: 'https://a.example/' is no origin: it ends with '/'; write 'https://a.example'",
          "c.yaml:5:9: 'b.example' is no origin: it has no scheme; write 'https://b.example'",
          "c.yaml:6:9: 'https://c.example/d' is no origin: it has a path; write 'https://c.example'"}},
        {"server: { cors: { origins: ['null'] } }",
         {"c.yaml:1:29: 'null' is no origin: every page in a sandbox calls itself so, whoever made it"}},
        {"server: { cors: { origins: ['*', 'https://a.example'] } }",
         {"c.yaml:1:28: '*' stands for every origin: leave the others out"}},
        {"server: { cors: { origins: ['*'], credentials: true } }",
         {"c.yaml:1:48: 'credentials' would let every site act for its visitors where 'origins' is '*'; list the origins"}},
        {"server: { cors: { origins: ['https://a.example'], credentials: true, headers: ['*'], expose: ['*'] } }",
         {"c.yaml:1:79: '*' means nothing in 'headers' with 'credentials'; list the names",
          "c.yaml:1:94: '*' means nothing in 'expose' with 'credentials'; list the names"}},
        {"server: { cors: { origins: ['*'], credentials: maybe } }",
         {"c.yaml:1:48: 'credentials' must be true or false, not 'maybe'"}},
        {"server: { cors: { origins: ['*'], methods: [get, FETCH] } }",
         {"c.yaml:1:45: a method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, not 'get'",
          "c.yaml:1:50: a method must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, not 'FETCH'"}},
        {"server: { cors: { origins: ['*'], headers: ['X One'], expose: ['X-Two:'] } }",
         {"c.yaml:1:45: 'X One' is no header field name: letters, digits and '-'",
          "c.yaml:1:64: 'X-Two:' is no header field name: letters, digits and '-'"}},
        {"server: { cors: { origins: ['*'], max_age: 1500ms } }", {"c.yaml:1:44: 'max_age' must be whole seconds"}},
    });
}

TEST(HeadersSection, DefaultsAreThoseOfAnApi) {
    EXPECT_THAT(load_text("").server.headers,
                ElementsAre(Pair("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
                            Pair("Referrer-Policy", "no-referrer"), Pair("X-Content-Type-Options", "nosniff"),
                            Pair("X-Frame-Options", "DENY")));
}

TEST(HeadersSection, ChangesAddsAndRemovesWhateverTheCase) {
    const auto headers = load_text(R"(server:
  headers:
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    x-frame-options: ""
    CONTENT-SECURITY-POLICY: default-src 'self'
    X-Not-There: ""
)")
                             .server.headers;
    EXPECT_THAT(headers, SizeIs(4));
    EXPECT_THAT(headers, Contains(Pair("Strict-Transport-Security", "max-age=31536000; includeSubDomains")));
    EXPECT_THAT(headers, Contains(Pair("CONTENT-SECURITY-POLICY", "default-src 'self'")));
    EXPECT_THAT(headers, Not(Contains(Key("Content-Security-Policy"))));
    EXPECT_THAT(headers, Not(Contains(Key("X-Frame-Options"))));
    EXPECT_THAT(headers, Contains(Pair("X-Content-Type-Options", "nosniff")));
}

TEST(HeadersSection, ReportsMistakesAtTheirPlaces) {
    std::vector<Case> cases{
        {"server: { headers: [a] }", {"c.yaml:1:20: 'headers' must be a mapping, not a list"}},
        {"server: { headers: { 'X One': a } }", {"c.yaml:1:22: 'X One' is no header field name: letters, digits and '-'"}},
        {"server: { headers: { X-One: [a] } }",
         {"c.yaml:1:29: 'X-One' must be a text, or \"\" to leave it out, not a list"}},
        {"server: { headers: { X-One: ~ } }", {"c.yaml:1:22: 'X-One' must be a text, or \"\" to leave it out, not nothing"}},
        {"server: { headers: { X-One: \"a\\r\\nSet-Cookie: b\" } }",
         {"c.yaml:1:29: the value of 'X-One' must be one line of ASCII, without blanks around it"}},
        {"server: { headers: { X-One: \"\\u00e9\" } }",
         {"c.yaml:1:29: the value of 'X-One' must be one line of ASCII, without blanks around it"}},
        {"server: { headers: { X-One: ' a' } }",
         {"c.yaml:1:29: the value of 'X-One' must be one line of ASCII, without blanks around it"}},
        {"server: { headers: { X-One: a, x-one: b } }",
         {"c.yaml:1:32: 'x-one' is set twice; case does not matter in its name"}},
        {"server: { headers: { access-control-allow-origin: '*' } }",
         {"c.yaml:1:22: 'access-control-allow-origin' is what 'cors' writes"}},
    };
    for (const std::string name : {"Content-Length", "transfer-encoding", "Connection", "Date", "Content-Type", "Server",
                                   "Cache-Control", "Vary", "ETag", "X-Request-Id", "X-RateLimit-Limit", "RateLimit"}) {
        cases.push_back({"server: { headers: { " + name + ": a } }",
                         {"c.yaml:1:22: '" + name + "' differs from answer to answer and is managed by Sluice"}});
    }
    expect_mistakes(cases);
}

}  // namespace sluice::config
