// What RFC 8259 calls JSON, and what it does not, against a live server: the one is accepted, the other is 400; never a 5xx,
// never a dropped connection. Where nst/JSONTestSuite `test_parsing` is present, its files as well: y_ is accepted, n_ is
// 400, i_ either.
#include "support/http_client.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::test {

namespace {

using std::string_literals::operator""s;

/// By the section of RFC 8259.
const std::vector<std::string> right{
    // 2, 3: white space and values
    "null",
    "true",
    "false",
    "0",
    "\"\"",
    "[]",
    "{}",
    " \t\r\n null \t\r\n ",
    "[ ]",
    "{ }",
    "[\n1\r,\t2 ]",
    // 4: objects
    R"({"a":1})",
    R"({"":0})",
    R"({"a":{"b":{"c":[]}}})",
    R"({"a":1,"b":2})",
    R"({"\u0061b":null})",
    R"({" ":" "})",
    R"({"a\u0000b":1})",
    // 5: arrays
    "[1]",
    "[1,2,3]",
    "[[],[[]]]",
    R"([null,true,false,0,"a",{},[]])",
    "[[[[[[[[[[1]]]]]]]]]]",
    // 6: numbers
    "-0",
    "1",
    "-1",
    "10",
    "1.0",
    "0.5",
    "-0.5",
    "1e1",
    "1E1",
    "1e+1",
    "1e-1",
    "0e0",
    "0.0e-10",
    "123456789012345678901234567890",
    "1.7976931348623157e308",
    "4.9e-324",
    "-123.456E+7",
    "20e1",
    "0.0000000000000000000000000000000001",
    // 7: strings
    R"("a")",
    R"("\"\\\/\b\f\n\r\t")",
    R"("\u0041\u00e9\u20ac")",
    R"("\ud83d\ude00")",
    "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
    "\"\x7F\"",
    R"("\u0000")",
    R"("\uFFFF\uFFFE")",
    "\"\xEF\xBF\xBF\"",
    R"("/")",
    R"("'")",
    R"("\u0022")",
};

const std::vector<std::string> wrong{
    // 2, 3: what is no value
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "FALSE",
    "NULL",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "a",
    "'a'",
    "1 2",
    "null,",
    ",",
    "[1]]",
    "{}}",
    "[]a",
    "{} {}",
    "\v1",
    "\f1",
    "\xC2\xA0"
    "1",
    "\xE2\x80\xA8"
    "1",
    "1\0"s,
    "/**/1",
    "1//",
    "#1",
    "<a>",
    "()",
    "*",
    // 4: objects
    "{",
    "}",
    R"({"a")",
    R"({"a":)",
    R"({"a":1)",
    R"({"a":1,)",
    R"({"a":1,})",
    R"({,"a":1})",
    R"({"a" 1})",
    R"({"a"::1})",
    R"({"a":1 "b":2})",
    R"({"a":1,,"b":2})",
    R"({a:1})",
    R"({'a':1})",
    R"({1:1})",
    R"({null:1})",
    R"({[]:1})",
    R"({"a":})",
    R"({:1})",
    R"({"a"})",
    R"({"a",1})",
    R"({"a"=1})",
    R"({"a":1;"b":2})",
    R"({"a":1])",
    R"({"a":a})",
    // 5: arrays
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[,]",
    "[1 2]",
    "[1;2]",
    "[1}",
    "[\"a\"",
    "[\"a\",",
    "[1:2]",
    "[a]",
    "[-]",
    "[*]",
    "[(1)]",
    "[[]",
    "[]]",
    "[\"a\" 1]",
    "[1\n",
    "[\"\": 1]",
    // 6: numbers
    "-",
    "+1",
    "--1",
    "01",
    "-01",
    "00",
    "1.",
    ".1",
    "-.1",
    "1.e1",
    "1e",
    "1e+",
    "1e-",
    "1E",
    "1ee1",
    "1e1.5",
    "1.2.3",
    "0x1",
    "1_000",
    "1,000",
    "1a",
    "0e",
    "1 .5",
    "- 1",
    "1+1",
    "\xEF\xBC\x91",
    "1e1e1",
    "2.e3",
    "0.e1",
    "-foo",
    "0b1",
    "0o7",
    "1d",
    "1f",
    "1L",
    // 7: strings
    "\"",
    "\"a",
    "a\"",
    R"("\")",
    R"("\a")",
    R"("\x41")",
    R"("\'")",
    R"("\0")",
    R"("\U0041")",
    R"("\u")",
    R"("\u0")",
    R"("\u00")",
    R"("\u004")",
    R"("\u00g0")",
    R"("\u 041")",
    R"("\u+041")",
    "\"\n\"",
    "\"\t\"",
    "\"\r\"",
    "\"\x01\"",
    "\"\x1F\"",
    "\"a\0b\""s,
    R"("a"b")",
    R"("a""b")",
    "\"\\\n\"",
    "\xE2\x80\x9C"
    "a\xE2\x80\x9D",
    R"(\u0041)",
    R"(["\u00A"])",
    R"(["\)",
    // 8.1: UTF-8
    "\"\xFF\"",
    "\"\x80\"",
    "\"\xC3\"",
    "\"\xC0\xAF\"",
    "\"\xE0\x80\xAF\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xE2\x82\"",
    "\"\xF8\x88\x80\x80\x80\"",
    "\xFF\xFE[\0]\0"s,
    "\0[\0]"s,
    "{\"\xFF\":1}",
};

}  // namespace

TEST(JsonParsing, BodiesAreAcceptedOrRefusedAsTheyShould) {
    const TemporaryDirectory directory;
    const auto config = directory.write("api.yaml", R"(server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { access: off }
tiers: { anonymous: { requests: 100000, window: 60s } }
postgres: { primary: "${SLUICE_PG_PRIMARY}" }
routes:
  POST /json:
    body: {}
    result: one
    sql: select length(:body::json::text) as length
)");
    Instance instance{config, world_environment()};
    const auto post = [&](const std::string& body) {
        return http_post(instance.port(), "/json", body, "Content-Type: application/json\r\n");
    };
    for (const auto& body : right) {
        const auto answer = post(body);
        EXPECT_EQ(answer.status, 200u) << body << ": " << answer.body;
    }
    for (const auto& body : wrong) {
        const auto answer = post(body);
        EXPECT_EQ(answer.status, 400u) << body << ": " << answer.body;
    }
    const auto folder = std::filesystem::path{SLUICE_SOURCE_DIR} / "../shared/data/json-parsing";
    if (!std::filesystem::exists(folder)) return;
    std::map<std::string, int> counts;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        std::ifstream in{entry.path(), std::ios::binary};
        std::ostringstream bytes;
        bytes << in.rdbuf();
        const auto name = entry.path().filename().string();
        const auto answer = post(bytes.str());
        ++counts[name.substr(0, 2) + std::to_string(answer.status)];
        if (name.starts_with("y_")) EXPECT_EQ(answer.status, 200u) << name << ": " << answer.body;
        if (name.starts_with("n_")) EXPECT_EQ(answer.status, 400u) << name << ": " << answer.body;
        EXPECT_LT(answer.status, 500u) << name << ": " << answer.body;
    }
    for (const auto& [what, count] : counts) std::cout << what << ": " << count << '\n';
    EXPECT_GT(counts["y_200"], 90);
    EXPECT_GT(counts["n_400"], 180);
}

}  // namespace sluice::test
