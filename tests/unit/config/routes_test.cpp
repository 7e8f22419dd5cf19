// Routes: their keys, parameters, bodies, SQL and caching.
#include "config_files.hpp"

#include <gmock/gmock.h>

namespace sluice::config {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;

namespace {

RouteSettings route(const std::string& key, const std::string& members) {
    return load_text(with_route(key, members)).routes.at(0);
}

struct RouteCase {
    std::string key;
    std::string members;
    std::vector<std::string> mistakes;
};

void expect_route_mistakes(const std::vector<RouteCase>& cases) {
    std::vector<Case> whole;
    whole.reserve(cases.size());
    for (const auto& c : cases) whole.push_back({with_route(c.key, c.members), c.mistakes});
    expect_mistakes(whole);
}

// The usual case: one mistake of one declaration of the query parameter `p`, in line 3 at column 19 and beyond.
std::string declared(const std::string& declaration) { return "params: { p: " + declaration + " }\nsql: select :p"; }

}  // namespace

TEST(Routes, ReadsAWriteWithAllItsMembers) {
    const auto settings = route("POST /v1/cities/{id}/reviews", R"(summary: Add a review
auth: required
scopes: [reviews:write]
params: { id: integer, dry: { type: boolean, default: false } }
body: { type: object, required: [stars, text], properties: { stars: { type: integer }, text: { type: string, const: "5" } } }
status: 201
timeout: 2s
result: one
sql: |
  insert into review (city_id, stars, text, author)
  values (:id, :stars, :text, :key_id) returning *, :dry, :body;
invalidates: ["city:{id}", "reviews:{stars}", "author:{author}"])");
    EXPECT_EQ(settings.method, Method::post);
    EXPECT_EQ(settings.pattern, "/v1/cities/{id}/reviews");
    EXPECT_EQ(settings.options.summary, "Add a review");
    EXPECT_EQ(settings.options.auth, AuthMode::required);
    EXPECT_THAT(settings.options.scopes, ElementsAre("reviews:write"));
    EXPECT_EQ(settings.options.timeout, 2s);
    EXPECT_EQ(settings.status, 201u);
    EXPECT_EQ(settings.sql().result, ResultShape::one);
    ASSERT_THAT(settings.parameters, SizeIs(2));
    EXPECT_EQ(settings.parameters[0].name, "id");
    EXPECT_TRUE(settings.parameters[0].in_path && settings.parameters[0].required);
    EXPECT_EQ(settings.parameters[0].type, ParameterType::integer);
    EXPECT_FALSE(settings.parameters[1].in_path || settings.parameters[1].required);
    EXPECT_EQ(settings.parameters[1].default_value, "false");
    EXPECT_EQ(settings.body_schema,
              R"({"type":"object","required":["stars","text"],"properties":{"stars":{"type":"integer"},)"
              R"("text":{"type":"string","const":"5"}}})");
    EXPECT_THAT(settings.body_properties, ElementsAre("stars", "text"));
    EXPECT_THAT(settings.sql().invalidates, ElementsAre("city:{id}", "reviews:{stars}", "author:{author}"));
    EXPECT_EQ(settings.sql().location.line, 12);
    EXPECT_EQ(settings.sql().location.column, 7);
    EXPECT_EQ(settings.location.line, 2);
}

TEST(Routes, ReadsACachedGet) {
    const auto settings = route("GET /a/{id}", R"(sql: select :id, :sub
on: primary
cache: { ttl: 300s, stale: 2h, revalidate: 30s, max_age: 1m, tags: ["a:{id}"], vary: identity })");
    EXPECT_TRUE(settings.sql().on_primary);
    ASSERT_TRUE(settings.cache);
    EXPECT_EQ(settings.cache->ttl, 300s);
    EXPECT_EQ(settings.cache->stale, 2h);
    EXPECT_EQ(settings.cache->max_age, 60s);
    EXPECT_EQ(settings.cache->revalidate, 30s);
    EXPECT_THAT(settings.cache->tags, ElementsAre("a:{id}"));
    EXPECT_TRUE(settings.cache->vary.identity);
    EXPECT_EQ(settings.parameters.at(0).type, ParameterType::string);
}

TEST(Routes, ReadsWhatCachedAnswersAreKeptApartBy) {
    const auto settings = route("GET /a", R"(sql: select 1
cache: { ttl: 5s, l1: 1s, tags: [a], vary: [tier, scope, "header:Accept-Language"], private: true })");
    EXPECT_TRUE(settings.cache->vary.tier && settings.cache->vary.scope && settings.cache->is_private);
    EXPECT_FALSE(settings.cache->vary.identity);
    EXPECT_THAT(settings.cache->vary.headers, ElementsAre("Accept-Language"));
    EXPECT_EQ(settings.cache->l1, 1s);
    EXPECT_FALSE(route("GET /a", "sql: select 1\ncache: 5s").cache->is_private);
    EXPECT_TRUE(route("GET /a", "sql: select 1\nauth: required\ncache: 5s").cache->is_private);
    EXPECT_TRUE(route("GET /a", "sql: select :sub\ncache: { ttl: 5s, vary: identity }").cache->is_private);
}

TEST(Routes, ReportsVariationsThatMakeNoSense) {
    const auto with = [](std::string_view rule) { return "sql: select 1\ncache: { ttl: 5s, " + std::string{rule} + " }"; };
    expect_route_mistakes({
        {"GET /a",
         with("vary: teir"),
         {"c.yaml:4:29: 'vary' must be 'identity', 'tier', 'scope' or 'header:NAME', not 'teir', did you mean 'tier'?"}},
        {"GET /a", with("vary: []"), {"c.yaml:4:29: 'vary' names nothing: leave it out, or say what tells answers apart"}},
        {"GET /a", with("vary: [tier, header:A, header:a]"), {"c.yaml:4:46: 'vary' names 'header:a' twice"}},
        {"GET /a", with("vary: 'header:'"), {"c.yaml:4:29: '' is no header field's name"}},
        {"GET /a", with("vary: 'header:x-api-key'"), {"c.yaml:4:29: answers cannot be kept apart by 'x-api-key'"}},
        {"GET /a",
         with("vary: identity, private: false"),
         {"c.yaml:4:48: 'private' cannot be false: the answer is for one caller"}},
        {"GET /a",
         "auth: required\n" + with("private: false"),
         {"c.yaml:5:32: 'private' cannot be false: a shared cache asks nobody for credentials"}},
        {"GET /a",
         with("l1: 1s"),
         {"c.yaml:4:27: 'l1' is for answers with 'tags': without them the ttl is all that counts"}},
    });
}

TEST(Routes, CacheAloneIsItsTtl) {
    const auto settings = route("GET /a", "sql: select 1\ncache: 5s");
    EXPECT_EQ(settings.cache->ttl, 5s);
    EXPECT_EQ(settings.cache->stale, 1h);
    EXPECT_FALSE(settings.cache->max_age);
}

TEST(Routes, DefaultsFollowFromTheRest) {
    EXPECT_EQ(route("DELETE /a", "sql: delete from a\nresult: none").status, 204u);
    EXPECT_EQ(route("DELETE /a", "sql: delete from a\nresult: none\nstatus: 202").status, 202u);
    EXPECT_EQ(route("GET /", "sql: select 1").sql().result, ResultShape::many);
    EXPECT_EQ(route("GET /a", "sql: select 1").options.auth, AuthMode::optional);
    EXPECT_EQ(route("GET /a", "sql: select 1\nscopes: [x]").options.auth, AuthMode::required);
}

TEST(Routes, ReportsKeysThatNameNoRoute) {
    const std::string sql = "sql: select 1";
    expect_route_mistakes({
        {"/a", sql, {"c.yaml:2:3: a route is written METHOD /path, such as 'GET /v1/cities/{id}', not '/a'"}},
        {"HEAD /a", sql, {"c.yaml:2:3: HEAD is answered by the GET route; it cannot be declared"}},
        {"OPTIONS /a", sql, {"c.yaml:2:3: OPTIONS is answered for every path; it cannot be declared"}},
        {"GTE /a", sql, {"c.yaml:2:3: unknown method 'GTE', did you mean 'GET'?"}},
        {"get /a", sql, {"c.yaml:2:3: unknown method 'get', did you mean 'GET'?"}},
        {"GET a", sql, {"c.yaml:2:3: the path 'a' must begin with '/'"}},
        {"GET /a/", sql, {"c.yaml:2:3: the path must not end with '/'"}},
        {"GET /a//b", sql, {"c.yaml:2:3: the path has an empty segment ('//')"}},
        {"GET /a/../b", sql, {"c.yaml:2:3: the path has the segment '..', which clients resolve"}},
        {"GET /a%20b", sql, {"c.yaml:2:3: the path is written decoded: no percent-encoding as in 'a%20b'"}},
        {"\"GET /a\\tb\"", sql, {"c.yaml:2:3: the path cannot hold spaces or control characters"}},
        {"GET /a?b", sql, {"c.yaml:2:3: the path cannot hold '?': query parameters are declared in 'params'"}},
        {"GET /a{id}", sql, {"c.yaml:2:3: a path parameter takes a whole segment, '{name}', unlike 'a{id}'"}},
        {"GET /{a-b}", sql, {"c.yaml:2:3: a parameter's name has letters, digits and '_', unlike '{a-b}'"}},
        {"GET /{sub}", sql, {"c.yaml:2:3: the parameter name 'sub' is reserved: ':sub' is the token's subject"}},
        {"GET /{a}/{a}", sql, {"c.yaml:2:3: the path names the parameter 'a' twice"}},
    });
}

TEST(Routes, UnsetVariablesCauseNoFurtherMistakes) {
    const auto unset = [](const std::string& place) { return place + ": the environment variable SLUICE_UNSET is not set"; };
    const std::string value = "\"${SLUICE_UNSET}\"";
    expect_route_mistakes({
        {"GET /a", declared("{ type: " + value + ", minimum: 1, default: x }"), {unset("c.yaml:3:26")}},
        {"GET /a", declared("{ type: array, items: " + value + " }"), {unset("c.yaml:3:40")}},
        {"GET /a", declared("{ type: array, items: string, default: [" + value + "] }"), {unset("c.yaml:3:58")}},
        {"POST /a", "body: " + value + "\nsql: select :x", {unset("c.yaml:3:11")}},
        {"GET /a", "params: " + value + "\nsql: select 1", {unset("c.yaml:3:13")}},
        {"GET /a", "sql: " + value, {unset("c.yaml:3:10")}},
        {"GET /a", value, {unset("c.yaml:3:5")}},
    });
}

TEST(Routes, OnlyTheSameMethodAndShapeConflict) {
    const std::string rest = "postgres: { primary: 'host=a' }\n";
    expect_mistakes({
        {rest + "routes:\n  GET /a/{x}: { sql: select 1 }\n  GET /a/{y}: { sql: select 1 }\n",
         {"c.yaml:4:3: the route 'GET /a/{y}' matches the same requests as 'GET /a/{x}' at c.yaml:3:3"}},
        {rest + "routes:\n  GET /a: { sql: select 1 }\n  GET /a: { sql: select 1 }\n",
         {"c.yaml:4:3: duplicate key 'GET /a', first given in line 3"}},
        {rest + "routes:\n  GET /a/{x}: { sql: select 1 }\n  DELETE /a/{y}: { sql: delete from a }\n  GET /a/b: { sql: "
                "select 1 }\n",
         {}},
    });
}

TEST(Routes, ReportsParametersThatContradictThemselves) {
    expect_route_mistakes({
        {"GET /a",
         declared("text"),
         {"c.yaml:3:18: a parameter's type is 'string', 'integer', 'number', 'boolean' or 'array', not 'text', did you mean "
          "'string'?"}},
        {"GET /a", declared("[a]"), {"c.yaml:3:18: parameter 'p' must be a type or a mapping, not a list"}},
        {"GET /a", declared("{ minimum: 1 }"), {"c.yaml:3:29: 'minimum' does not apply to a string"}},
        {"GET /a", declared("{ type: integer, minLength: 1 }"), {"c.yaml:3:46: 'minLength' does not apply to an integer"}},
        {"GET /a", declared("{ type: integer, minimum: 5, maximum: 4 }"), {"c.yaml:3:56: 'maximum' is less than 'minimum'"}},
        {"GET /a", declared("{ type: integer, minimum: 1.5 }"), {"c.yaml:3:44: 'minimum' must be an integer, not '1.5'"}},
        {"GET /a", declared("{ type: integer, minimum: \"1\" }"), {"c.yaml:3:44: 'minimum' must be an integer, not '1'"}},
        {"GET /a", declared("{ minLength: 3, maxLength: 2 }"), {"c.yaml:3:45: 'maxLength' is less than 'minLength'"}},
        {"GET /a", declared("{ pattern: \"(\" }"), {"c.yaml:3:29: 'pattern' is no regular expression (RE2): '('"}},
        {"GET /a",
         declared("{ format: ipv4 }"),
         {"c.yaml:3:28: 'format' must be 'date', 'date-time', 'uuid' or 'email', not 'ipv4'"}},
        {"GET /a", declared("{ enum: [] }"), {"c.yaml:3:26: 'enum' is empty: list the values that are allowed"}},
        {"GET /a",
         declared("{ enum: [a, 2] }"),
         {"c.yaml:3:30: the enum value must be a string, not '2': put it in quotes"}},
        {"GET /a", declared("{ type: integer, enum: [1, x] }"), {"c.yaml:3:45: the enum value must be an integer, not 'x'"}},
        {"GET /a", declared("{ enum: [a, a] }"), {"c.yaml:3:30: the enum has 'a' twice"}},
        {"GET /a", declared("{ type: boolean, enum: [true] }"), {"c.yaml:3:41: 'enum' does not apply to a boolean"}},
        {"GET /a", declared("{ type: integer, default: x }"), {"c.yaml:3:44: the default must be an integer, not 'x'"}},
        {"GET /a", declared("{ default: 5 }"), {"c.yaml:3:29: the default must be a string, not '5': put it in quotes"}},
        {"GET /a", declared("{ type: integer, minimum: 1, default: 0 }"), {"c.yaml:3:56: the default must be at least 1"}},
        {"GET /a", declared("{ maxLength: 1, default: ab }"), {"c.yaml:3:43: the default must have at most 1 characters"}},
        {"GET /a", declared("{ pattern: ^a, default: b }"), {"c.yaml:3:42: the default must match ^a"}},
        {"GET /a", declared("{ enum: [a], default: b }"), {"c.yaml:3:40: the default must be one of a"}},
        {"GET /a", declared("{ format: date, default: 2024-13-01 }"), {"c.yaml:3:43: the default must be a valid date"}},
        {"GET /a",
         declared("{ required: true, default: a }"),
         {"c.yaml:3:45: a required parameter has no use for a default"}},
        {"GET /a", declared("{ required: maybe }"), {"c.yaml:3:30: 'required' must be true or false, not 'maybe'"}},
        {"GET /a", declared("array"), {"c.yaml:3:15: an array needs 'items', the type of its values"}},
        {"GET /a", declared("{ type: array }"), {"c.yaml:3:15: an array needs 'items', the type of its values"}},
        {"GET /a",
         declared("{ type: array, items: array }"),
         {"c.yaml:3:40: 'items' must be 'string', 'integer', 'number' or 'boolean', not 'array'"}},
        {"GET /a", declared("{ items: string }"), {"c.yaml:3:27: 'items' does not apply to a string"}},
        {"GET /a",
         declared("{ type: array, items: string, pattern: x }"),
         {"c.yaml:3:57: 'pattern' does not apply to an array"}},
        {"GET /a",
         declared("{ type: array, items: { type: integer, minimum: 1 }, default: [0] }"),
         {"c.yaml:3:80: the default each item must be at least 1"}},
        {"GET /a",
         declared("{ type: array, items: integer, default: [1, x] }"),
         {"c.yaml:3:62: the default must hold values of type integer without commas, not 'x'"}},
        {"GET /a", declared("{ maxLenght: 1 }"), {"c.yaml:3:20: unknown key 'maxLenght', did you mean 'maxLength'?"}},
        {"GET /a",
         "params: { sub: string }\nsql: select :sub",
         {"c.yaml:3:15: the parameter name 'sub' is reserved: ':sub' is the token's subject"}},
        {"GET /a",
         "params: { a-b: string }\nsql: select 1",
         {"c.yaml:3:15: a parameter's name has letters, digits and '_', unlike 'a-b'",
          "c.yaml:3:15: parameter 'a-b' is declared but not used: write ':a-b' in the SQL, or leave it out"}},
        {"GET /{p}",
         declared("{ required: true }"),
         {"c.yaml:3:30: a path parameter is always required: leave 'required' out"}},
        {"GET /{p}", declared("{ default: a }"), {"c.yaml:3:29: a path parameter is always there: it has no default"}},
    });
}

TEST(Routes, ReadsEveryWordOfAParameter) {
    const auto settings = route("GET /a", R"(params:
  s: { minLength: 1, maxLength: 9, pattern: "^[a-z]+$", enum: [abc, "12"], format: email }
  n: { type: number, minimum: -0.5, maximum: 90071992547409931, default: 1e3 }
  l: { type: array, items: { type: integer }, default: [1, 2] }
  r: { type: string, required: true }
sql: select :s, :n, :l, :r)");
    ASSERT_THAT(settings.parameters, SizeIs(4));
    const auto& s = settings.parameters[0];
    EXPECT_EQ(s.min_length, 1u);
    EXPECT_EQ(s.max_length, 9u);
    EXPECT_EQ(s.pattern, "^[a-z]+$");
    EXPECT_THAT(s.enumeration, ElementsAre("abc", "12"));
    EXPECT_EQ(s.format, "email");
    EXPECT_EQ(s.location.line, 4);
    const auto& n = settings.parameters[1];
    EXPECT_EQ(n.minimum, "-0.5");
    EXPECT_EQ(n.maximum, "90071992547409931");
    EXPECT_EQ(n.default_value, "1e3");
    EXPECT_EQ(settings.parameters[2].items, ParameterType::integer);
    EXPECT_EQ(settings.parameters[2].default_value, "1,2");
    EXPECT_TRUE(settings.parameters[3].required);
}

TEST(Routes, BodySchemasKeepTheirTypes) {
    const auto settings = route("POST /a", R"(sql: select :body
body:
  type: [object, "null"]
  properties: { a: { enum: [5, "5", 1.5, true, "true", null, ~, 18446744073709551615, -1, 1.10, 1e400] }, b: { minimum: 0 } }
  additionalProperties: false)");
    EXPECT_EQ(
        settings.body_schema,
        R"({"type":["object","null"],"properties":{"a":{"enum":[5,"5",1.5,true,"true",null,null,18446744073709551615,-1,1.10,1e400]},)"
        R"("b":{"minimum":0}},"additionalProperties":false})");
}

TEST(Routes, ReportsBodiesThatCannotBe) {
    expect_route_mistakes({
        {"GET /a",
         "body: { type: object }\nsql: select 1",
         {"c.yaml:3:5: a GET has no body: leave 'body' out, or make it a POST"}},
        {"POST /a", "body: object\nsql: select 1", {"c.yaml:3:11: 'body' must be a JSON Schema as a mapping, not 'object'"}},
        {"POST /a",
         "body: { type: objekt }\nsql: select 1",
         {"c.yaml:3:19: 'type' must be a JSON type, not 'objekt', did you mean 'object'?"}},
        {"POST /a",
         "body: { properties: { a: { type: strin } } }\nsql: select :a",
         {"c.yaml:3:38: 'type' must be a JSON type, not 'strin', did you mean 'string'?"}},
        {"POST /a",
         "body: { properties: { a: string } }\nsql: select :a",
         {"c.yaml:3:30: 'a' must be a JSON Schema: a mapping, true or false, not 'string'"}},
        {"POST /a",
         "body: { properties: { a: { required: true } } }\nsql: select :a",
         {"c.yaml:3:42: 'required' must be a list of names, not 'true'"}},
        {"POST /a",
         "body: { properties: { a: { pattern: '[' } } }\nsql: select :a",
         {"c.yaml:3:41: 'pattern' is no regular expression that can be run: missing ]: ["}},
        {"POST /a",
         "body: { properties: { a: { pattern: 'a(?=b)' } } }\nsql: select :a",
         {"c.yaml:3:41: 'pattern' is no regular expression that can be run: invalid perl operator: (?="}},
        {"POST /a",
         "body: { patternProperties: { '(': {} } }\nsql: select :body",
         {"c.yaml:3:39: '(' is no regular expression that can be run: missing ): ("}},
        {"POST /a",
         "body: { properties: { a: { minimun: 1, maxLength: -1, x-note: 1 } } }\nsql: select :a",
         {"c.yaml:3:32: unknown word 'minimun' in a JSON Schema, did you mean 'minimum'?",
          "c.yaml:3:55: 'maxLength' must be an integer that is not negative, not '-1'"}},
        {"POST /a",
         "body: { properties: { a: { type: [string, intger] } } }\nsql: select :a",
         {"c.yaml:3:47: 'type' must be a JSON type, not 'intger', did you mean 'integer'?"}},
        {"POST /a",
         "body: { properties: { a: { items: { anyOf: [{}, { multipleOf: 0 }] }, minimum: '1' } } }\nsql: select :a",
         {"c.yaml:3:67: 'multipleOf' must be a number above 0 of at most 18 significant digits, not '0'",
          "c.yaml:3:84: 'minimum' must be a number, not '1'"}},
        {"POST /a",
         "body: { properties: { a: { nullable: true, format: datetime } } }\nsql: select :a",
         {"c.yaml:3:32: 'nullable' is no word of JSON Schema draft 7 that is checked: use 'type: [string, \"null\"]'",
          "c.yaml:3:56: the format 'datetime' is not checked, did you mean 'date-time'?"}},
        {"POST /a",
         "body: { $ref: '#/definitions/x', required: [a], definitions: { x: {} } }\nsql: select :body",
         {"c.yaml:3:38: 'required' beside a '$ref' is ignored in draft 7: put both into an 'allOf'"}},
        {"POST /a",
         "body: { allOf: [{ $ref: '#/definitions/a~1b%25' }, { $ref: '#/y' }], definitions: { 'a/b%': {} } }\n"
         "sql: select :body",
         {"c.yaml:3:64: '$ref' leads nowhere: the schema has no '#/y'"}},
        {"POST /a",
         "body: { allOf: [{ $ref: '#' }] }\nsql: select :body",
         {"c.yaml:3:11: 'body' is led back to by its own '$ref', so that nothing is ever decided"}},
        {"POST /a",
         "body: { $schema: 'https://json-schema.org/draft/2020-12/schema' }\nsql: select :body",
         {"c.yaml:3:22: '$schema' must be http://json-schema.org/draft-07/schema#, as which it is read, not "
          "'https://json-schema.org/draft/2020-12/schema'"}},
        {"POST /a",
         "body: { properties: { a: { $id: 'http://x/y' } } }\nsql: select :a",
         {"c.yaml:3:37: '$id' is supported at the schema's top alone, as it changes what references mean"}},
        {"POST /a",
         "body: { $ref: 'http://x/y' }\nsql: select :body",
         {"c.yaml:3:19: '$ref' must stay within the schema: '#/…'"}},
        {"POST /{a}",
         "body: { properties: { a: {}, sub: {} } }\nsql: select :a, :sub",
         {"c.yaml:3:27: the body property 'a' has the name of a path or query parameter; write ':body.a' for the property",
          "c.yaml:3:34: the body property name 'sub' is reserved: ':sub' is the token's subject; write ':body.sub' for the "
          "property"}},
    });
}

TEST(Routes, MembersOfTheBodyAreReachedByPath) {
    const std::string body =
        "body: { properties: { a: {}, sub: {}, body: {}, in: { allOf: [ { properties: { x: { type: integer } } } ] } } }\n";
    const auto read = route("POST /{a}", body +
                                             "sql: select :a, :body.a, :sub, :body.sub, :body.body, :body.in.x\n"
                                             "invalidates: ['x:{body.in.x}']");
    EXPECT_THAT(read.body_properties, ElementsAre("a", "sub", "body", "in"));
    expect_route_mistakes({
        {"POST /a",
         body + "sql: select :body.on, :body.in.y, :body.in.x.z",
         {"c.yaml:4:17: unknown parameter ':body.on', did you mean ':body.in'?",
          "c.yaml:4:27: unknown parameter ':body.in.y', did you mean ':body.in'?",
          "c.yaml:4:39: unknown parameter ':body.in.x.z'"}},
        {"POST /a", "sql: select :body.a", {"c.yaml:3:17: ':body.a' needs a 'body:' schema"}},
        {"GET /a",
         "sql: select 1\ncache: { ttl: 1s, tags: ['x:{body.y}'] }",
         {"c.yaml:4:30: the tag 'x:{body.y}' names 'body.y', which is no parameter"}},
    });
}

TEST(Routes, ReadsTheStylesOfArrays) {
    const auto parameters = route("GET /a", R"(params:
  a: { type: array, items: string, style: repeated, minItems: 1, maxItems: 3 }
  b: { type: array, items: string, style: json, default: ["x,y", 'z"'] }
  c: { type: array, items: integer, style: csv, default: [1, 2] }
  d: { type: array, items: integer }
sql: select :a, :b, :c, :d)")
                                .parameters;
    ASSERT_THAT(parameters, SizeIs(4));
    EXPECT_EQ(parameters[0].style, ArrayStyle::repeated);
    EXPECT_EQ(parameters[0].min_items, 1U);
    EXPECT_EQ(parameters[0].max_items, 3U);
    EXPECT_EQ(parameters[1].style, ArrayStyle::json);
    EXPECT_EQ(parameters[1].default_value, R"(["x,y","z\""])");
    EXPECT_EQ(parameters[2].default_value, "1,2");
    EXPECT_EQ(parameters[3].style, ArrayStyle::csv);
    expect_route_mistakes({
        {"GET /a", declared("{ style: json }"), {"c.yaml:3:27: 'style' does not apply to a string"}},
        {"GET /a", declared("{ type: integer, maxItems: 1 }"), {"c.yaml:3:45: 'maxItems' does not apply to an integer"}},
        {"GET /a",
         declared("{ type: array, items: string, style: repeat }"),
         {"c.yaml:3:55: 'style' must be 'repeated', 'csv' or 'json', not 'repeat'"}},
        {"GET /a",
         declared("{ type: array, items: string, minItems: 3, maxItems: 2 }"),
         {"c.yaml:3:71: 'maxItems' is less than 'minItems'"}},
        {"GET /a",
         declared("{ type: array, items: string, style: repeated, default: x }"),
         {"c.yaml:3:74: the default must be a list, not 'x'"}},
        {"GET /a",
         declared("{ type: array, items: string, style: json, maxItems: 1, default: [x, y] }"),
         {"c.yaml:3:83: the default must have at most 1 items"}},
        {"GET /{p}",
         declared("{ type: array, items: string, style: repeated }"),
         {"c.yaml:3:55: 'style: repeated' is for the query: a path has each parameter once"}},
    });
}

TEST(Routes, FieldsOfTheRequestAreParameters) {
    const auto read = route("GET /a/{id}", R"(params: { header.x-page: { type: integer, default: 1 }, q: string }
sql: select :id, :q, :header.x-page, :header.x-tenant, :header.x-tenant-1
cache: { ttl: 1s, vary: [tier, header:X-Tenant], tags: ["t:{header.x-tenant}"] })");
    ASSERT_THAT(read.parameters, SizeIs(5));
    EXPECT_EQ(read.parameters[1].name, "header.x-page");
    EXPECT_TRUE(read.parameters[1].in_header);
    EXPECT_EQ(read.parameters[1].type, ParameterType::integer);
    EXPECT_EQ(read.parameters[1].default_value, "1");
    EXPECT_EQ(read.parameters[3].name, "header.x-tenant");
    EXPECT_TRUE(read.parameters[3].in_header && !read.parameters[3].required);
    EXPECT_EQ(read.parameters[4].name, "header.x-tenant-1");
    EXPECT_THAT(read.cache->vary.headers, ElementsAre("X-Tenant", "x-page", "x-tenant-1"));
    expect_route_mistakes({
        {"GET /a",
         "sql: select :header.X-Tenant",
         {"c.yaml:3:17: ':header.X-Tenant': fields of the request are named in lower case, write ':header.x-tenant'"}},
        {"GET /a",
         "params: { header.authorization: string }\nsql: select :header.authorization, :header.cookie, :header.x-api-key",
         {"c.yaml:3:15: ':header.authorization' holds credentials, which no SQL reads: ':key_id', ':sub' and ':claims' say "
          "who asks",
          "c.yaml:4:40: ':header.cookie' holds credentials, which no SQL reads: ':key_id', ':sub' and ':claims' say who "
          "asks",
          "c.yaml:4:56: ':header.x-api-key' holds credentials, which no SQL reads: ':key_id', ':sub' and ':claims' say who "
          "asks"}},
        {"GET /a",
         "params: { header.x--y: string }\nsql: select 1",
         {"c.yaml:3:15: ':header.x--y' is no name of a request's field",
          "c.yaml:3:15: parameter 'header.x--y' is declared but not used: write ':header.x--y' in the SQL, or leave it "
          "out"}},
        {"GET /a",
         "sql: select :header.x-request-id\ncache: 1s",
         {"c.yaml:3:17: answers cannot be kept apart by 'x-request-id', so the SQL of a cached route cannot read it"}},
        {"GET /a",
         "params: { header.x: { type: array, items: string, style: repeated } }\nsql: select :header.x",
         {"c.yaml:3:62: 'style: repeated' is for the query: repeated fields are one list"}},
    });
}

TEST(Routes, FindsMistakesInsideTheSql) {
    expect_route_mistakes({
        {"GET /a", "summary: x", {"c.yaml:2:3: the route needs 'sql', 'upstream' or 'respond'"}},
        {"GET /a", "sql: ''", {"c.yaml:3:10: SQL: the statement is empty"}},
        {"GET /{id}", "sql: select :idd", {"c.yaml:3:17: unknown parameter ':idd', did you mean ':id'?"}},
        {"GET /{id}",
         "sql: |\n  select *\n\n  from a where id = :idd\n    and x = :zzz",
         {"c.yaml:6:25: unknown parameter ':idd', did you mean ':id'?", "c.yaml:7:17: unknown parameter ':zzz'"}},
        {"GET /{id}",
         "sql: >-\n  select *\n  from a where id = :idd",
         {"c.yaml:5:25: unknown parameter ':idd', did you mean ':id'?"}},
        {"GET /{id}",
         "sql: select *\n  from a where id = :idd",
         {"c.yaml:4:25: unknown parameter ':idd', did you mean ':id'?"}},
        {"GET /{id}", "sql: 'select ''x'', :idd'", {"c.yaml:3:25: unknown parameter ':idd', did you mean ':id'?"}},
        {"GET /{id}", "sql: \"select \\\"x\\\", :idd\"", {"c.yaml:3:25: unknown parameter ':idd', did you mean ':id'?"}},
        {"GET /a", "sql: select :body", {"c.yaml:3:17: ':body' needs a 'body:' schema"}},
        {"GET /a", "sql: |\n  select 'x", {"c.yaml:4:14: SQL: the string is never closed"}},
        {"GET /a", "sql: select 1; select 2", {"c.yaml:3:18: SQL: one statement only: there is more after ';'"}},
        {"GET /a", "sql: select $1", {"c.yaml:3:17: SQL: positional parameters such as $1 are not supported, use :name"}},
        {"GET /a",
         "params: { x: integer }\nsql: select 1",
         {"c.yaml:3:15: parameter 'x' is declared but not used: write ':x' in the SQL, or leave it out"}},
        {"GET /{x}", "sql: select 1", {}},
        {"GET /a", "params: { x: integer }\nsql: select 1\ncache: { ttl: 1s, tags: ['x:{x}'] }", {}},
    });
}

TEST(Routes, ReadWhatConditionsAreAbout) {
    EXPECT_EQ(route("GET /a", "sql: select 1").etag, EtagMode::on);
    EXPECT_EQ(route("GET /a", "etag: on\nsql: select 1").etag, EtagMode::on);
    EXPECT_EQ(route("GET /a", "etag: off\nsql: select 1").etag, EtagMode::off);
    EXPECT_EQ(route("GET /a", "etag: version\nresult: one\nsql: select 1 as version").etag, EtagMode::version);
    EXPECT_EQ(route("PUT /a", "sql: select 1").sql().precondition, PreconditionMode::optional);
    EXPECT_EQ(route("PUT /a", "precondition: optional\nsql: select 1").sql().precondition, PreconditionMode::optional);
    const auto required = route("PUT /a", "precondition: required\nsql: select 1");
    EXPECT_EQ(required.sql().precondition, PreconditionMode::required);
    EXPECT_EQ(required.sql().precondition_location.line, 3);
}

TEST(Routes, AWriteTakesIdempotencyKeysUnlessItSaysOtherwise) {
    EXPECT_EQ(route("POST /a", "sql: select 1").sql().idempotency, IdempotencyMode::optional);
    EXPECT_EQ(route("PATCH /a", "idempotency: optional\nsql: select 1").sql().idempotency, IdempotencyMode::optional);
    EXPECT_EQ(route("PUT /a", "idempotency: required\nsql: select 1").sql().idempotency, IdempotencyMode::required);
    EXPECT_EQ(route("DELETE /a", "idempotency: off\nsql: select 1").sql().idempotency, IdempotencyMode::off);
}

TEST(Routes, MayCollapseReads) {
    EXPECT_TRUE(route("GET /{a}", "collapse: true\nparams: { a: integer }\nsql: select :a as a").sql().collapse);
    EXPECT_FALSE(route("GET /{a}", "collapse: false\nparams: { a: integer }\nsql: select :a as a").sql().collapse);
    EXPECT_FALSE(route("GET /a", "sql: select 1").sql().collapse);
}

TEST(Routes, ReportsWhatDoesNotGoTogether) {
    const std::string sql = "\nsql: select 1";
    expect_route_mistakes({
        {"GET /a",
         "auth: none\nscopes: [x]" + sql,
         {"c.yaml:4:13: 'scopes' need 'auth: required'; it is the default then, so leave 'auth' out"}},
        {"GET /a", "scopes: ['a b']" + sql, {"c.yaml:3:14: a scope has no spaces, quotes or backslashes, unlike 'a b'"}},
        {"GET /a",
         "auth: sometimes" + sql,
         {"c.yaml:3:11: 'auth' must be 'none', 'optional' or 'required', not 'sometimes'"}},
        {"GET /a", "status: 404" + sql, {"c.yaml:3:13: 'status' must be a whole number from 200 to 299, not '404'"}},
        {"GET /a", "result: few" + sql, {"c.yaml:3:13: 'result' must be 'one', 'many' or 'none', not 'few'"}},
        {"GET /a", "timeout: 0s" + sql, {"c.yaml:3:14: 'timeout' must be at least 1ms"}},
        {"GET /a", "on: replica" + sql, {"c.yaml:3:9: 'on' must be 'primary', not 'replica'"}},
        {"POST /a", "on: primary" + sql, {"c.yaml:3:5: 'on' is for GET: other methods always run on the primary"}},
        {"POST /a", "collapse: true" + sql, {"c.yaml:3:5: 'collapse' is for GET"}},
        {"GET /a", "collapse: always" + sql, {"c.yaml:3:15: 'collapse' must be true or false, not 'always'"}},
        {"GET /a",
         "collapse: true" + sql,
         {"c.yaml:3:5: 'collapse' needs a parameter in the SQL: without one all reads are the same"}},
        {"GET /{a}",
         "collapse: true\npage: { by: a }\nparams: { a: integer }\nsql: select :a as a",
         {"c.yaml:3:5: 'collapse' and 'page' exclude each other"}},
        {"POST /a", "cache: 1s" + sql, {"c.yaml:3:5: 'cache' is for GET"}},
        {"GET /a", "cache: {}" + sql, {"c.yaml:3:5: 'cache' needs 'ttl'"}},
        {"GET /a",
         "cache: forever" + sql,
         {"c.yaml:3:12: 'cache' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not 'forever'"}},
        {"GET /a",
         "cache: { ttl: 1s, negative: 5s }" + sql,
         {"c.yaml:3:33: 'negative' is for 'result: one', which alone answers 404"}},
        {"GET /a", "cache: { ttl: 1s, max_age: 1500ms }" + sql, {"c.yaml:3:32: 'max_age' must be whole seconds"}},
        {"GET /a",
         "cache: { ttl: 1s, vary: accept }" + sql,
         {"c.yaml:3:29: 'vary' must be 'identity', 'tier', 'scope' or 'header:NAME', not 'accept'"}},
        {"GET /{id}",
         "cache: { ttl: 1s, tags: ['c:{idd}'] }" + sql,
         {"c.yaml:3:30: the tag 'c:{idd}' names 'idd', which is no parameter, did you mean 'id'?"}},
        {"GET /{id}", "cache: { ttl: 1s, tags: ['c:{id'] }" + sql, {"c.yaml:3:30: the tag 'c:{id' has a '{' without '}'"}},
        {"GET /a",
         "cache: 1s\nsql: select :key_id",
         {"c.yaml:3:5: the SQL names :key_id, so 'cache' needs 'vary: identity': else one caller gets another's answer"}},
        {"GET /a", "invalidates: [x]" + sql, {"c.yaml:3:5: 'invalidates' is for methods that write, not GET"}},
        {"POST /a",
         "result: none\ninvalidates: ['c:{city}']" + sql,
         {"c.yaml:4:19: the tag 'c:{city}' names 'city', which is no parameter"}},
        {"POST /a", "result: many\ninvalidates: ['c:{city}']" + sql, {}},
        {"POST /a", "etag: on" + sql, {"c.yaml:3:5: 'etag' is for GET: what a write answers has no ETag"}},
        {"GET /a", "etag: weak" + sql, {"c.yaml:3:11: 'etag' must be 'on', 'off' or 'version', not 'weak'"}},
        {"GET /a",
         "etag: version" + sql,
         {"c.yaml:3:5: 'etag: version' needs 'result: one', a row that has a column 'version'"}},
        {"GET /a", "precondition: required" + sql, {"c.yaml:3:5: 'precondition' is for methods that write, not GET"}},
        {"PUT /a",
         "precondition: require" + sql,
         {"c.yaml:3:19: 'precondition' must be 'optional' or 'required', not 'require'"}},
        {"GET /a", "idempotency: required" + sql, {"c.yaml:3:5: 'idempotency' is for methods that write, not GET"}},
        {"POST /a",
         "idempotency: on" + sql,
         {"c.yaml:3:18: 'idempotency' must be 'optional', 'required' or 'off', not 'on'"}},
        {"POST /a", "idempotancy: off" + sql, {"c.yaml:3:5: unknown key 'idempotancy', did you mean 'idempotency'?"}},
        {"POST /a", "publish: x" + sql, {"c.yaml:3:5: unknown key 'publish'"}},
    });
}

TEST(Errors, OfTheFileCountWhereTheRouteSaysNothing) {
    const auto settings = load_text(
        "postgres: { primary: postgresql:///x }\n"
        "errors: { \"45000\": 409, P0001: 400 }\nmessages: true\n"
        "routes:\n"
        "  GET /a: { sql: select 1 as one }\n"
        "  GET /b: { sql: select 1 as one, messages: false, errors: { \"45000\": 410, \"23\": 400 } }\n");
    const auto& a = settings.routes.at(0).sql().errors;
    EXPECT_EQ(a.statuses.at("45000"), 409U);
    EXPECT_EQ(a.statuses.at("P0001"), 400U);
    EXPECT_EQ(a.messages, true);
    const auto& b = settings.routes.at(1).sql().errors;
    EXPECT_EQ(b.statuses.at("45000"), 410U);
    EXPECT_EQ(b.statuses.at("P0001"), 400U);
    EXPECT_EQ(b.statuses.at("23"), 400U);
    EXPECT_EQ(b.messages, false);
    EXPECT_FALSE(route("GET /a", "sql: select 1 as one").sql().errors.messages);
}

TEST(Errors, MistakesAreNamedWhereTheyStand) {
    expect_route_mistakes({
        {"GET /a",
         "sql: select 1 as one\nerrors: [45000]",
         {"c.yaml:4:13: 'errors' must be a mapping of SQLSTATEs to statuses, such as { \"45000\": 409 }"}},
        {"GET /a",
         "sql: select 1 as one\nerrors: { 4500: 409 }",
         {"c.yaml:4:15: '4500' is no SQLSTATE: five digits or capitals, or the two of a class"}},
        {"GET /a",
         "sql: select 1 as one\nerrors: { \"45000\": 200 }",
         {"c.yaml:4:24: the status for '45000' must be 400 to 599"}},
        {"GET /a",
         "sql: select 1 as one\nerrors: { \"45000\": four }",
         {"c.yaml:4:24: the status for '45000' must be 400 to 599"}},
        {"GET /a",
         "sql: select 1 as one\nmessages: perhaps",
         {"c.yaml:4:15: 'messages' must be true or false, not 'perhaps'"}},
    });
}

}  // namespace sluice::config
