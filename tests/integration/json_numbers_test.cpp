// Numbers of a body reach PostgreSQL as they were sent, never through a double.
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice::test {

TEST(JsonNumbers, ReachColumnsAndDocumentsDigitByDigit) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  POST /numbers:
    body: { properties: { n: { type: number }, i: { type: integer, maximum: 9223372036854775807 } } }
    status: 201
    result: one
    sql: |
      insert into json_number_test (n, i, document) values (:n, :i, :body::jsonb)
      returning n::text, i::text, document #>> '{deep,0,n}' as deep
)");
    const std::string table =
        "drop table if exists json_number_test; create table json_number_test (n numeric, i bigint, document jsonb)";
    const auto prepared =
        run_command({"psql", "-v", "ON_ERROR_STOP=1", "-c", table, world_environment().at("SLUICE_PG_PRIMARY")});
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
    Instance instance{file, world_environment()};
    const auto send = [&](const std::string& body) {
        return http_post(instance.port(), "/numbers", body, "Content-Type: application/json\r\n");
    };
    ASSERT_TRUE(eventually([&] { return send("{}").status == 201; }));

    const std::string zeros(400, '0');
    for (const auto& [sent, stored] : std::vector<std::pair<std::string, std::string>>{
             {"12345678901234567890.123456789012345678901234567890", "12345678901234567890.123456789012345678901234567890"},
             {"12345678901234567890.5", "12345678901234567890.5"},
             {"0.1", "0.1"},
             {"0.10000000000000000000000000000000000001", "0.10000000000000000000000000000000000001"},
             {"1e400", "1" + zeros},
             {"1e-30", "0.000000000000000000000000000001"},
             {"-0", "0"},
             {"1E400", "1" + zeros},
             {"1.10", "1.10"},
             {"9007199254740993", "9007199254740993"},
         }) {
        std::string body{R"({"n":)"};
        const auto answer = send(body.append(sent).append(R"(,"deep":[{"n":)").append(sent).append("}]}"));
        ASSERT_EQ(answer.status, 201u) << sent << ": " << answer.body;
        const auto data = nlohmann::json::parse(answer.body).at("data");
        EXPECT_EQ(data.at("n"), stored) << sent;
        EXPECT_EQ(data.at("deep"), stored) << sent;
    }
    for (const auto& [sent, stored] : std::vector<std::pair<std::string, std::string>>{
             {"9223372036854775807", "9223372036854775807"},
             {"-1234567890123456789", "-1234567890123456789"},
             {"1234567890123456789.0", "1234567890123456789"},
         }) {
        const auto answer = send(R"({"i":)" + sent + "}");
        ASSERT_EQ(answer.status, 201u) << sent << ": " << answer.body;
        EXPECT_EQ(nlohmann::json::parse(answer.body).at("data").at("i"), stored) << sent;
    }
    const auto beyond = send(R"({"i":9223372036854775808})");
    EXPECT_EQ(beyond.status, 422u);
    EXPECT_EQ(nlohmann::json::parse(beyond.body).at("errors").at(0).at("message"), "must be at most 9223372036854775807");
}

TEST(JsonNumbers, ANullableIntegerFitsAnIntegerColumn) {
    const TemporaryDirectory directory;
    const auto file = directory.write("api.yaml", R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  POST /two:
    body:
      definitions: { flag: { type: [boolean, 'null'] } }
      properties:
        v: { type: [integer, 'null'] }
        level: { enum: [1, 2, 3, null] }
        size: { anyOf: [{ type: integer }, { type: 'null' }] }
        flag: { $ref: '#/definitions/flag' }
        price: { type: ['null', number] }
    result: one
    sql: |
      insert into nullable_test (v, level, size, flag, price) values (:v, :level, :size, :flag, :price) returning *
)");
    const std::string table =
        "drop table if exists nullable_test;"
        " create table nullable_test (v int, level smallint, size bigint, flag boolean, price numeric)";
    const auto prepared =
        run_command({"psql", "-v", "ON_ERROR_STOP=1", "-c", table, world_environment().at("SLUICE_PG_PRIMARY")});
    ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
    const auto checked = run_command({sluice_program(), "check", "--config", file.string()}, world_environment());
    ASSERT_EQ(checked.exit_code, 0) << checked.err;
    Instance instance{file, world_environment()};
    const auto send = [&](const std::string& body) {
        return http_post(instance.port(), "/two", body, "Content-Type: application/json\r\n");
    };
    const auto stored = [&](const std::string& body) {
        return nlohmann::json::parse(send(body).body).value("data", nlohmann::json{});
    };
    const auto data = [](const char* text) { return nlohmann::json::parse(text); };
    EXPECT_EQ(stored(R"({"v":5.0,"level":20e-1,"size":7,"flag":true,"price":1.50})"),
              data(R"({"v":5,"level":2,"size":7,"flag":true,"price":1.50})"));
    EXPECT_EQ(stored(R"({"v":null,"level":null,"size":null,"flag":null,"price":null})"),
              data(R"({"v":null,"level":null,"size":null,"flag":null,"price":null})"));
    EXPECT_EQ(stored("{}"), data(R"({"v":null,"level":null,"size":null,"flag":null,"price":null})"));
    EXPECT_EQ(send(R"({"v":"5"})").status, 422U);
    EXPECT_EQ(send(R"({"level":4})").status, 422U);
}

}  // namespace sluice::test
