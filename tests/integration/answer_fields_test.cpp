// Header fields that a route declares, over HTTP: made of the row and of the request, on every kind of answer; and writes of
// every form.
#include "support/http_client.hpp"
#include "support/postgres_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const std::string config = R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", headers: { X-Kind: any } }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
redis: { url: "${SLUICE_REDIS}" }
tiers: { anonymous: { requests: 100000 } }
routes:
  POST /notes/{shelf}:
    params: { shelf: string }
    body: { properties: { text: { type: [string, "null"] } } }
    result: one
    status: 201
    headers: { Location: "/notes/{shelf}/{id}?text={text}", X-Text: "of {text}", X-Kind: note, Content-Language: "{lang}" }
    sql: insert into note (shelf, text) values (:shelf, :text) returning id, shelf, text, lang
  PUT /notes/{id}:
    params: { id: integer }
    result: one
    status: 204
    headers: { X-Was: "{text}", X-Id: "{id}" }
    sql: update note set text = 'changed' where id = :id returning text
  GET /notes/{id}:
    params: { id: integer }
    result: one
    headers: { Content-Location: "/notes/{shelf}/{id}", X-Text: "{text}" }
    sql: select id, shelf, text from note where id = :id
  GET /kept/{id}:
    params: { id: integer, header.x-lang: { type: string, default: de } }
    result: one
    headers: { Content-Location: "/notes/{shelf}/{id}", X-Text: "{text}", Content-Language: "{header.x-lang}" }
    sql: select id, shelf, text, :header.x-lang::text as wanted from note where id = :id
    cache: { ttl: 1h, max_age: 1m, tags: ["note:{id}"] }
  GET /bare/{id}:
    params: { id: integer }
    result: one
    envelope: off
    headers: { X-Text: "{text}", X-Data: "{data}" }
    sql: select shelf as data, text from note where id = :id
  GET /notes:
    params: { q: string }
    headers: { X-Query: "{q}" }
    sql: select id from note where :q is null or text = :q
  POST /moved/{id}:
    params: { id: integer }
    result: one
    sql: |
      with gone as (delete from note where id = :id returning *), -- the old one
        new as (insert into note (shelf, text) select 'moved', text from gone returning *)
      select new.id, gone.shelf as from_shelf, new.shelf from gone, new
    invalidates: ["note:{id}"]
  POST /merged/{id}:
    params: { id: integer }
    result: none
    sql: |
      merge into note using (select :id::int as id) given on note.id = given.id
      when matched then update set text = 'merged' when not matched then insert (shelf, text) values ('merged', 'new')
  POST /called/{id}:
    params: { id: integer }
    body: { properties: { text: { type: string } } }
    result: none
    sql: call public.set_text(:id, :text)
    invalidates: ["note:{id}"]
)";

class AnswerFields : public PostgresTest {
protected:
    void SetUp() override {
        PostgresTest::SetUp();
        sql("drop table if exists note; create table note (id int generated always as identity primary key, shelf text,"
            " text text, lang text); insert into note (shelf, text) values ('a/b', 'one');"
            " create or replace procedure public.set_text(given int, new_text text) language sql as"
            " 'update note set text = new_text where id = given'");
        start();
    }
    void TearDown() override {
        instance_.reset();
        sql("drop table if exists note; drop procedure if exists public.set_text(int, text)");
    }
    void start() {
        instance_.reset();
        instance_ = std::make_unique<Instance>(
            directory_.write("fields.yaml", config),
            Environment{{"SLUICE_PG_PRIMARY", primary}, {"SLUICE_REDIS", stack.env("SLUICE_REDIS")}});
    }
    HttpResponse send(const std::string& method, const std::string& target, const std::string& body = {},
                      const std::string& fields = {}) const {
        HttpClient client{instance_->port()};
        return client.request(method, target, body, "Content-Type: application/json\r\n" + fields);
    }
    HttpResponse get(const std::string& target, const std::string& fields = {}) const {
        return http_get(instance_->port(), target, fields);
    }
    std::string text_of(const std::string& id) {
        return sql("select text from note where id = " + id).at(0).at(0).value_or("");
    }

    TemporaryDirectory directory_;
    std::unique_ptr<Instance> instance_;
};

}  // namespace

TEST_F(AnswerFields, AreMadeOfTheRowAndTheRequestAndEncodedForTheirPlace) {
    const auto made = send("POST", "/notes/a%20b%2F..%3F", R"({"text":"Zürich: 50 %\r\nX-Evil: 1"})");
    ASSERT_EQ(made.status, 201U) << made.body;
    const auto id = std::to_string(Json::parse(made.body).at("data").at("id").get<int>());
    EXPECT_EQ(made.header("Location"), "/notes/a%20b%2F..%3F/" + id + "?text=Z%C3%BCrich%3A%2050%20%25%0D%0AX-Evil%3A%201");
    EXPECT_EQ(made.header("X-Text"), "of Z%C3%BCrich: 50 %25%0D%0AX-Evil: 1");
    EXPECT_EQ(made.header("X-Evil"), std::nullopt);
    EXPECT_EQ(made.header("X-Kind"), "note") << "in place of the server's";
    EXPECT_EQ(made.header("Content-Language"), std::nullopt) << "NULL";
    const auto plain = send("POST", "/notes/a", "{}");
    EXPECT_EQ(plain.header("Location"), std::nullopt);
    EXPECT_EQ(plain.header("X-Text"), std::nullopt);
    EXPECT_EQ(send("POST", "/notes/%2E%2E", R"({"text":"x"})").header("Location"), std::nullopt) << "would lead upwards";
    const auto long_one = send("POST", "/notes/a", R"({"text":")" + std::string(5000, 'x') + R"("})");
    EXPECT_EQ(long_one.status, 201U);
    EXPECT_EQ(long_one.header("X-Text"), std::nullopt);
}

TEST_F(AnswerFields, AreOnEverySuccessOfAReadAndOnNoError) {
    const auto found = get("/notes/1");
    EXPECT_EQ(found.header("Content-Location"), "/notes/a%2Fb/1");
    EXPECT_EQ(found.header("X-Text"), "one");
    const auto unchanged = get("/notes/1", "If-None-Match: " + found.header("ETag").value_or("") + "\r\n");
    EXPECT_EQ(unchanged.status, 304U);
    EXPECT_EQ(unchanged.header("X-Text"), "one");
    const auto missing = get("/notes/999");
    EXPECT_EQ(missing.status, 404U);
    EXPECT_EQ(missing.header("X-Text"), std::nullopt);
    const auto bare = get("/bare/1");
    EXPECT_EQ(bare.body, R"({"data":"a/b","text":"one"})");
    EXPECT_EQ(bare.header("X-Text"), "one");
    EXPECT_EQ(bare.header("X-Data"), "a/b");
    EXPECT_EQ(get("/notes?q=a%0Ab").header("X-Query"), "a%0Ab");
    EXPECT_EQ(get("/notes").header("X-Query"), std::nullopt);
}

TEST_F(AnswerFields, AReplayedAnswerHasThemAgain) {
    const std::string key = "Idempotency-Key: k1\r\n";
    const auto first = send("POST", "/notes/a", R"({"text":"x"})", key);
    const auto again = send("POST", "/notes/a", R"({"text":"x"})", key);
    EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
    EXPECT_NE(first.header("Location"), std::nullopt);
    EXPECT_EQ(again.header("Location"), first.header("Location"));
    const auto put = send("PUT", "/notes/1", "", "Idempotency-Key: k2\r\n");
    EXPECT_EQ(put.status, 204U);
    EXPECT_EQ(put.header("X-Was"), "changed");
    EXPECT_EQ(put.header("X-Id"), "1");
    EXPECT_EQ(put.body, "");
    const auto replayed = send("PUT", "/notes/1", "", "Idempotency-Key: k2\r\n");
    EXPECT_EQ(replayed.status, 204U);
    EXPECT_EQ(replayed.header("Idempotency-Replayed"), "true");
    EXPECT_EQ(replayed.header("X-Was"), "changed") << "a row that is not sent is kept all the same";
    EXPECT_EQ(replayed.header("X-Id"), "1");
    EXPECT_EQ(replayed.body, "");
}

TEST_F(AnswerFields, ACopyHasThemWhereverItComesFrom) {
    const auto expect = [this](const std::string& status) {
        const auto answer = get("/kept/1");
        EXPECT_THAT(answer.header("Cache-Status").value_or(""), HasSubstr(status));
        EXPECT_EQ(answer.header("Content-Location"), "/notes/a%2Fb/1") << status;
        EXPECT_EQ(answer.header("X-Text"), "one") << status;
        EXPECT_EQ(answer.header("Content-Language"), "de") << status;
        EXPECT_EQ(answer.header("Cache-Tag"), "note:1") << status;
    };
    expect("fwd=miss");
    expect("detail=l1");
    start();
    expect("detail=l2");
    expect("detail=l1");
    EXPECT_EQ(get("/kept/1", "X-Lang: fr\r\n").header("Content-Language"), "fr");
}

TEST_F(AnswerFields, TheCheckerKnowsTheColumns) {
    const auto file = directory_.write("check.yaml", R"(postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  GET /a/{id}:
    result: one
    headers: { X-A: "{id}", Location: "/a/{idd}", X-B: "{text}" }
    sql: select id, text from note where id = :id::int
)");
    const auto check = run_command({sluice_program(), "check", "--config", file.string()}, {{"SLUICE_PG_PRIMARY", primary}});
    EXPECT_EQ(check.exit_code, 1);
    EXPECT_THAT(check.err, HasSubstr("check.yaml:5:39: GET /a/{id}: 'Location': the answer has no column 'idd', and no "
                                     "parameter or property of that name"));
    EXPECT_EQ(check.err.find("'text'"), std::string::npos);
}

TEST_F(AnswerFields, WritesMayBeginWithOthersAndMergeAndCall) {
    const auto moved = send("POST", "/moved/1");
    ASSERT_EQ(moved.status, 200U) << moved.body;
    const auto row = Json::parse(moved.body).at("data");
    EXPECT_EQ(row.at("from_shelf"), "a/b");
    EXPECT_EQ(row.at("shelf"), "moved");
    const auto id = std::to_string(row.at("id").get<int>());
    EXPECT_EQ(text_of(id), "one");
    EXPECT_EQ(send("POST", "/moved/1").status, 404U) << "no row";
    EXPECT_EQ(send("POST", "/merged/" + id).status, 204U);
    EXPECT_EQ(text_of(id), "merged");
    EXPECT_EQ(send("POST", "/called/" + id, R"({"text":"called"})", "Idempotency-Key: c\r\n").status, 204U);
    EXPECT_EQ(text_of(id), "called");
    EXPECT_EQ(send("POST", "/called/" + id, R"({"text":"called"})", "Idempotency-Key: c\r\n").header("Idempotency-Replayed"),
              "true");
}

}  // namespace sluice::test
