// What of a request reaches a route's SQL: arrays in three styles, members of the body, fields of the header.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const std::string config = R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
tiers: { anonymous: { requests: 100000 } }
routes:
  GET /repeated:
    params: { tag: { type: array, items: string, style: repeated, maxItems: 6 } }
    sql: select :tag::text[] as tags, cardinality(:tag::text[]) as n
  GET /csv:
    params: { tag: { type: array, items: string } }
    sql: select :tag::text[] as tags, cardinality(:tag::text[]) as n
  GET /json:
    params: { tag: { type: array, items: string, style: json, minItems: 1 } }
    sql: select :tag::text[] as tags, cardinality(:tag::text[]) as n
  GET /defaults:
    params:
      a: { type: array, items: string, style: repeated, default: ["x,y", ""] }
      b: { type: array, items: integer, style: json, default: [1, 2] }
      c: { type: array, items: string, style: repeated, default: [] }
    sql: select :a::text[] as a, :b::int[] as b, :c::text[] as c
  GET /types:
    params:
      i: { type: array, items: { type: integer, maximum: 9 }, style: repeated }
      n: { type: array, items: number, style: json }
      b: { type: array, items: boolean, style: repeated }
    sql: select :i::text[] as i, :i::int[] as integers, :n::text[] as n, :n::numeric[] as numbers, :b::text[] as b,
      :b::bool[] as booleans
  GET /cached:
    params: { tag: { type: array, items: string, style: repeated }, q: string }
    sql: select :tag::text[] as tags, :q as q
    cache: 1h
  POST /members/{id}:
    params: { id: integer }
    body:
      type: object
      properties:
        id: { type: integer }
        body: { type: string }
        sub: { type: [string, "null"] }
        "first name": { type: string }
        address: { $ref: "#/definitions/address" }
      definitions:
        address: { type: object, properties: { city: { type: string }, number: { type: integer }, parts: { type: array } } }
    result: one
    sql: |
      select :id::int as path, :body.id::int as inner_id, :body.body as text, :body.sub as inner_sub, :sub::text as token_sub,
        :body."first name" as first, :body.address.city as city, :body.address.number::int as number,
        :body.address.parts::jsonb as parts, :body.address::jsonb as address, :body::jsonb as whole, :address as plain
  POST /arrays:
    body:
      properties:
        tags: { type: array, items: { type: [string, "null"] } }
        ids: { type: [array, "null"], items: { type: integer } }
        grid: { type: array }
        in: { type: object, properties: { flags: { type: array, items: { type: [boolean, "null"] } } } }
    result: one
    sql: |
      select :tags::text[] as tags, :tags::jsonb as json, cast(:ids as int []) as ids, :grid::numeric(9, 2)[] as grid,
        :body.in.flags::bool[] as flags, cardinality(:tags::pg_catalog."text"[]) as n
  GET /fields:
    params: { "header.x-page": { type: integer, minimum: 1, default: 1 } }
    sql: select :header.x-tenant as tenant, :header.x-page::int as page, :header.accept-language as languages
  GET /required:
    params: { "header.x-tenant": { pattern: "^[a-z]+$", required: true }, "header.x-roles": { type: array, items: string } }
    sql: select :header.x-tenant as tenant, :header.x-roles::text[] as roles
  GET /shared:
    sql: select :header.x-tenant as tenant, random() as at
    cache: { ttl: 1h, tags: ["tenant:{header.x-tenant}"] }
  POST /touch:
    body: { properties: { tenant: { type: object, properties: { id: { type: string } } } } }
    result: none
    sql: select :body.tenant.id, :header.x-tenant
    invalidates: ["tenant:{body.tenant.id}", "tenant:{header.x-tenant}"]
  GET /path/{ids}:
    params: { ids: { type: array, items: string, style: json }, given: { type: array, items: integer, style: repeated, required: true } }
    sql: select :ids::text[] as ids, :given::int[] as given
  POST /keyed:
    result: one
    sql: select :header.x-tenant as tenant
)";

class RequestValues : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        instance_ =
            std::make_unique<Instance>(directory_.write("values.yaml", config), Environment{{"SLUICE_PG_PRIMARY", primary}});
    }

    HttpResponse get(const std::string& target, const std::string& fields = {}) const {
        return http_get(instance_->port(), target, fields);
    }
    /// The first row, or the problem.
    Json row(const std::string& target, const std::string& fields = {}) const {
        const auto response = get(target, fields);
        auto answer = Json::parse(response.body);
        return response.status == 200 ? answer.at("data").at(0) : answer;
    }
    static std::string status_of(const HttpResponse& response) { return response.header("Cache-Status").value_or(""); }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace

// Situation S41.
TEST_F(RequestValues, AnItemMayHoldWhateverATextMayHold) {
    const Json items{"a,b", "NULL", "null", "", "\\", "{", "}", "\"", "{a,\"b\"}", " ", "ä"};
    const std::string encoded[] = {"a%2Cb", "NULL",  "null", "", "%5C", "%7B", "%7D", "%22", "%7Ba%2C%22b%22%7D",
                                   "+",     "%C3%A4"};
    ASSERT_EQ(items.size(), std::size(encoded));
    for (std::size_t i = 0; i < items.size(); ++i) {
        EXPECT_EQ(row("/repeated?tag=" + encoded[i]).at("tags"), Json::array({items[i]})) << encoded[i];
        EXPECT_EQ(row("/repeated?tag=x&tag=" + encoded[i] + "&tag=y").at("tags"), Json({"x", items[i], "y"})) << encoded[i];
    }
    std::string query;
    for (const char c : items.dump()) {
        constexpr std::string_view hex = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        query += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    EXPECT_EQ(row("/json?tag=" + query).at("tags"), items);
}

TEST_F(RequestValues, AnEmptyArrayIsNotAnAbsentOne) {
    EXPECT_EQ(row("/repeated").at("tags"), nullptr);
    EXPECT_EQ(row("/csv").at("tags"), nullptr);
    EXPECT_EQ(row("/csv?tag=").at("tags"), Json::array());
    EXPECT_EQ(row("/csv?tag=a,,b").at("tags"), Json({"a", "", "b"}));
    const auto defaults = row("/defaults");
    EXPECT_EQ(defaults.at("a"), Json({"x,y", ""}));
    EXPECT_EQ(defaults.at("b"), Json({1, 2}));
    EXPECT_EQ(defaults.at("c"), Json::array());
    EXPECT_EQ(row("/defaults?b=%5B%5D").at("b"), Json::array());
}

TEST_F(RequestValues, ArraysHaveBoundsAndSayWhatIsWrong) {
    const auto wrong = [this](const std::string& target) { return row(target).at("errors").at(0).at("message"); };
    EXPECT_EQ(row("/repeated?tag=1&tag=2&tag=3&tag=4&tag=5&tag=6").at("n"), 6);
    EXPECT_EQ(wrong("/repeated?tag=1&tag=2&tag=3&tag=4&tag=5&tag=6&tag=7"), "must have at most 6 items");
    EXPECT_EQ(wrong("/json?tag=%5B%5D"), "must have at least 1 items");
    EXPECT_EQ(wrong("/json?tag=a"), "must be a JSON array");
    EXPECT_EQ(wrong("/json?tag=%5Bnull%5D"), "each item must be a string");
    EXPECT_EQ(wrong("/json?tag=%5B1%5D"), "each item must be a string");
    EXPECT_EQ(wrong("/json?tag=%5B%22%5Cu0000%22%5D"), "each item must not contain NUL");
    EXPECT_EQ(wrong("/types?i=1&i=10"), "each item must be at most 9");
    EXPECT_EQ(wrong("/types?b=true&b=yes"), "each item must be true or false");
    EXPECT_EQ(wrong("/csv?tag=a&tag=b"), "must be given once");
}

TEST_F(RequestValues, ArraysOfEveryTypeMayBeTakenAsTexts) {
    const auto types = row("/types?i=1&i=2&n=%5B1.5%2C2%5D&b=true&b=false");
    EXPECT_EQ(types.at("i"), Json({"1", "2"}));
    EXPECT_EQ(types.at("integers"), Json({1, 2}));
    EXPECT_EQ(types.at("n"), Json({"1.5", "2"}));
    EXPECT_EQ(types.at("numbers"), Json({1.5, 2}));
    EXPECT_EQ(types.at("b"), Json({"true", "false"}));
    EXPECT_EQ(types.at("booleans"), Json({true, false}));
}

TEST_F(RequestValues, TheOrderOfItemsTellsCopiesApartAndThatOfParametersDoesNot) {
    EXPECT_THAT(status_of(get("/cached?tag=a&tag=b&q=1")), HasSubstr("fwd=miss"));
    EXPECT_THAT(status_of(get("/cached?tag=a&q=1&tag=b")), HasSubstr("hit"));
    EXPECT_THAT(status_of(get("/cached?q=1&tag=a&tag=%62")), HasSubstr("hit"));
    EXPECT_EQ(row("/cached?tag=b&tag=a&q=1").at("tags"), Json({"b", "a"}));
    EXPECT_EQ(row("/cached?tag=a&tag=b&tag=b&q=1").at("tags"), Json({"a", "b", "b"}));
    EXPECT_EQ(row("/cached?tag=a%26tag%3Db&q=1").at("tags"), Json({"a&tag=b"}));
}

TEST_F(RequestValues, EveryMemberOfABodyCanBeNamed) {
    HttpClient client{instance_->port()};
    const std::string body =
        R"({"id":8,"body":"text","sub":null,"first name":"Ada","address":{"city":"Zürich","number":5.0,)"
        R"("parts":[1,{"a":1e3}]},"more":1})";
    const auto response = client.request("POST", "/members/7", body, "Content-Type: application/json\r\n");
    ASSERT_EQ(response.status, 200U) << response.body;
    const auto row = Json::parse(response.body).at("data");
    EXPECT_EQ(row.at("path"), 7);
    EXPECT_EQ(row.at("inner_id"), 8);
    EXPECT_EQ(row.at("text"), "text");
    EXPECT_EQ(row.at("inner_sub"), nullptr);
    EXPECT_EQ(row.at("token_sub"), nullptr);
    EXPECT_EQ(row.at("first"), "Ada");
    EXPECT_EQ(row.at("city"), "Zürich");
    EXPECT_EQ(row.at("number"), 5);
    EXPECT_EQ(row.at("parts"), Json::parse(R"([1,{"a":1000}])"));
    EXPECT_EQ(row.at("address").at("city"), "Zürich");
    EXPECT_EQ(row.at("whole").at("more"), 1);
    const auto without = client.request("POST", "/members/7", "{}", "Content-Type: application/json\r\n");
    EXPECT_EQ(Json::parse(without.body).at("data").at("city"), nullptr);
    const auto nul =
        client.request("POST", "/members/7", R"({"address":{"city":"\u0000"}})", "Content-Type: application/json\r\n");
    EXPECT_EQ(nul.status, 422U);
    EXPECT_THAT(nul.body, HasSubstr("/address/city"));
}

TEST_F(RequestValues, AnArrayOfTheBodyIsPostgresqlsWhereTheSqlCastsItToOne) {
    HttpClient client{instance_->port()};
    const auto send = [&](const std::string& body) {
        return client.request("POST", "/arrays", body, "Content-Type: application/json\r\n");
    };
    const Json tags{"a,b", "NULL", nullptr, "", "\\", "{", "}", "\""};
    const auto response =
        send(R"({"ids":[1,2.0,30e-1],"grid":[[1.5,2],[3,4]],"in":{"flags":[true,null]},"tags":)" + tags.dump() + "}");
    ASSERT_EQ(response.status, 200U) << response.body;
    const auto row = Json::parse(response.body).at("data");
    EXPECT_EQ(row.at("tags"), tags);
    EXPECT_EQ(row.at("json"), tags) << "elsewhere it is its JSON";
    EXPECT_EQ(row.at("ids"), Json({1, 2, 3}));
    EXPECT_EQ(row.at("grid"), Json::parse("[[1.5,2],[3,4]]"));
    EXPECT_EQ(row.at("flags"), Json({true, nullptr}));
    EXPECT_EQ(row.at("n"), 8);
    const auto empty = Json::parse(send(R"({"tags":[],"ids":null})").body).at("data");
    EXPECT_EQ(empty.at("tags"), Json::array());
    EXPECT_EQ(empty.at("ids"), nullptr);
    EXPECT_EQ(empty.at("grid"), nullptr);
    EXPECT_EQ(send(R"({"tags":["\u0000"]})").status, 422U);
    EXPECT_EQ(send(R"({"grid":[[1],[2,3]]})").status, 422U) << "no array of PostgreSQL's";
    EXPECT_EQ(send(R"({"grid":[{"a":1}]})").status, 422U);
}

TEST_F(RequestValues, FieldsOfTheRequestReachTheSql) {
    const auto none = row("/fields");
    EXPECT_EQ(none.at("tenant"), nullptr);
    EXPECT_EQ(none.at("page"), 1);
    const auto some = row("/fields", "X-Tenant: acme \r\nX-PAGE: 3\r\nAccept-Language: de\r\nAccept-Language: fr\r\n");
    EXPECT_EQ(some.at("tenant"), "acme");
    EXPECT_EQ(some.at("page"), 3);
    EXPECT_EQ(some.at("languages"), "de, fr") << "repeated fields are one list";
    EXPECT_EQ(row("/fields", "X-Tenant:\r\n").at("tenant"), nullptr) << "an empty one is none";
    const auto wrong = row("/fields", "X-Page: 0\r\n");
    EXPECT_EQ(wrong.at("status"), 400);
    EXPECT_EQ(wrong.at("errors"), Json::parse(R"([{"in":"header","name":"x-page","message":"must be at least 1"}])"));
    EXPECT_EQ(row("/fields", "X-Tenant: \xff\r\n").at("errors").at(0).at("message"), "must be UTF-8");
    EXPECT_EQ(row("/required").at("errors").at(0).at("message"), "is required");
    EXPECT_EQ(row("/required", "X-Tenant: a\r\nX-Tenant: b\r\n").at("status"), 400) << "no two tenants at once";
    EXPECT_EQ(row("/required", "X-Tenant: a\r\nX-Roles: x , y\r\nX-Roles: z\r\n").at("roles"), Json({"x", "y", "z"}));
}

TEST_F(RequestValues, ACachedAnswerIsForTheFieldsThatItsSqlReads) {
    const auto of = [this](const std::string& tenant) { return get("/shared", "X-Tenant: " + tenant + "\r\n"); };
    const auto first = of("a");
    EXPECT_EQ(Json::parse(first.body).at("data").at(0).at("tenant"), "a");
    EXPECT_THAT(first.header("Vary").value_or(""), HasSubstr("x-tenant"));
    EXPECT_EQ(of("a").body, first.body);
    const auto second = of("b");
    EXPECT_THAT(status_of(second), HasSubstr("fwd=miss"));
    EXPECT_EQ(Json::parse(second.body).at("data").at(0).at("tenant"), "b");
    EXPECT_EQ(Json::parse(get("/shared").body).at("data").at(0).at("tenant"), nullptr);
}

TEST_F(RequestValues, TagsNameMembersAndFields) {
    const auto shown = [this](const std::string& tenant) { return get("/shared", "X-Tenant: " + tenant + "\r\n").body; };
    const auto touch = [this](const std::string& body, const std::string& tenant) {
        HttpClient client{instance_->port()};
        const auto fields = "Content-Type: application/json\r\nX-Tenant: " + tenant + "\r\n";
        return client.request("POST", "/touch", body, fields).status;
    };
    const auto a = shown("a");
    const auto b = shown("b");
    EXPECT_EQ(touch(R"({"tenant":{"id":"c"}})", "d"), 204U);
    EXPECT_EQ(shown("a"), a);
    EXPECT_EQ(touch(R"({"tenant":{"id":"a"}})", "d"), 204U);
    EXPECT_NE(shown("a"), a);
    EXPECT_EQ(shown("b"), b);
    EXPECT_EQ(touch("{}", "b"), 204U);
    EXPECT_NE(shown("b"), b);
}

TEST_F(RequestValues, ArraysStandInPathsAndMayBeRequired) {
    const auto both = row("/path/%5B%22a%2Cb%22%2C%22c%2Fd%22%5D?given=2&given=1");
    EXPECT_EQ(both.at("ids"), Json({"a,b", "c/d"}));
    EXPECT_EQ(both.at("given"), Json({2, 1}));
    const auto errors = row("/path/a,b").at("errors");
    EXPECT_EQ(errors.at(0), Json::parse(R"({"in":"path","name":"ids","message":"must be a JSON array"})"));
    EXPECT_EQ(errors.at(1), Json::parse(R"({"in":"query","name":"given","message":"is required"})"));
}

TEST_F(RequestValues, AnIdempotencyKeyIsForTheFieldsThatTheSqlReads) {
    const std::string key = "Idempotency-Key: one\r\n";
    const auto send = [&](const std::string& tenant) {
        return http_post(instance_->port(), "/keyed", "", key + "X-Tenant: " + tenant + "\r\n");
    };
    EXPECT_EQ(send("a").status, 200U);
    EXPECT_EQ(send("a").header("Idempotency-Replayed"), "true");
    EXPECT_EQ(send("b").status, 422U);
}

}  // namespace sluice::test
