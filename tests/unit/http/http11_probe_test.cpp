// Sends what RFC 9112 and RFC 9110 speak of to a live listener, byte for byte. Where the cases of Http11Probe (MDA2AV, MIT)
// are present, those as well: `http11.json` in the folder that SLUICE_TEST_DATA names, or in `shared/data` beside the source
// tree.
#include "http11_cases.hpp"
#include "support/http_client.hpp"
#include "support/http_test_server.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

namespace sluice {
namespace {

using test::HttpClient;
using test::HttpTestServer;

/// Scored cases that we fail on purpose: what we answer, and why that is better.
const std::map<std::string, std::pair<unsigned, const char*>> explained{
    {"MAL-POST-CL-HUGE-NO-BODY", {413, "the announced body exceeds the limit: RFC 9110 section 15.5.14 names this status"}},
    {"COMP-HOST-EMPTY-VALUE",
     {200, "an empty Host is what RFC 9112 section 3.2 has a client send whose target has no authority"}},
};

struct Outcome {
    unsigned status = 0;  // 0: no answer
    bool closed = false;
};

enum class Verdict { pass, warn, fail };

std::filesystem::path cases_file() {
    if (const char* folder = std::getenv("SLUICE_TEST_DATA")) return std::filesystem::path{folder} / "http11.json";
    return std::filesystem::path{SLUICE_SOURCE_DIR} / ".." / "shared" / "data" / "http11.json";
}

/// The file holds bytes as code points up to U+00FF.
std::string latin1(std::string_view utf8) {
    std::string bytes;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto lead = static_cast<unsigned char>(utf8[i]);
        if (lead < 0x80) {
            bytes += static_cast<char>(lead);
        } else {
            bytes += static_cast<char>(((lead & 0x1F) << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
        }
    }
    return bytes;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

bool matches(std::string_view word, const Outcome& outcome) {
    if (word == "close") return outcome.status == 0 && outcome.closed;
    if (word == "timeout") return outcome.status == 0 && !outcome.closed;
    if (word == "2xx") return outcome.status / 100 == 2;
    return std::to_string(outcome.status) == word;
}

/// `expected` is a list of alternatives: `400/505 or close`, `400 or close (pass), 2xx (warn)`, `2xx + close`, `!101`.
Verdict judge(std::string expected, const Outcome& outcome) {
    if (expected == "!101") return outcome.status == 101 ? Verdict::fail : Verdict::pass;
    if (expected == "2xx + close") return matches("2xx", outcome) && outcome.closed ? Verdict::pass : Verdict::fail;
    replace_all(expected, " or ", "/");
    replace_all(expected, ", ", "/");
    for (std::size_t at = 0; at < expected.size();) {
        const auto end = std::min(expected.find('/', at), expected.size());
        auto word = expected.substr(at, end - at);
        at = end + 1;
        const bool warns = word.ends_with(" (warn)");
        word.resize(std::min(word.find(' '), word.size()));
        if (matches(word, outcome)) return warns ? Verdict::warn : Verdict::pass;
    }
    return Verdict::fail;
}

Outcome probe(std::uint16_t port, std::string raw, const std::string& expected) {
    replace_all(raw, "localhost:8080", "127.0.0.1:" + std::to_string(port));
    HttpClient client{port};
    client.send(raw);
    // Where the probe would wait for a time limit, ending the stream shows the same without waiting.
    if (expected.find("timeout") != expected.npos) client.finish_sending();
    Outcome outcome;
    const auto response = client.receive();
    if (response) outcome.status = response->status;
    if (!response || expected.find("+ close") != expected.npos) outcome.closed = client.wait_closed();
    return outcome;
}

std::vector<Route> any_method_at_root() {
    std::vector<Route> routes;
    for (const auto method : {Method::get, Method::post, Method::put, Method::patch, Method::delete_, Method::options}) {
        routes.push_back(test::make_route(method, "/", [](Exchange& exchange) -> awaitable<Response> {
            co_await exchange.body(1024 * 1024);
            co_return Response::text(200, "ok");
        }));
    }
    return routes;
}

}  // namespace

TEST(Http11Probe, WhatTheRfcsSpeakOfIsAnsweredAsTheySay) {
    HttpTestServer server{any_method_at_root()};
    for (const auto& [section, request, expected] : test::http11_cases()) {
        const auto outcome = probe(server.port(), request, expected);
        EXPECT_EQ(judge(expected, outcome), Verdict::pass)
            << section << ": expected " << expected << ", got " << outcome.status << (outcome.closed ? " and a close" : "");
    }
}

TEST(Http11Probe, NoScoredCaseFailsUnexplained) {
    std::ifstream file{cases_file()};
    const auto cases = file ? nlohmann::json::parse(file) : nlohmann::json::array();
    HttpTestServer server{any_method_at_root()};
    std::map<std::string, int> totals;
    for (const auto& entry : cases) {
        const auto id = entry.at("id").get<std::string>();
        const auto expected = entry.at("expected").get<std::string>();
        const bool scored = entry.at("scored").get<bool>();
        const auto outcome = probe(server.port(), latin1(entry.at("rawRequest").get<std::string>()), expected);
        const auto verdict = judge(expected, outcome);
        const auto exception = explained.find(id);
        const bool is_explained = exception != explained.end() && exception->second.first == outcome.status;
        const std::string word = verdict == Verdict::pass   ? "pass"
                                 : verdict == Verdict::warn ? "warn"
                                 : is_explained             ? "explained"
                                                            : "fail";
        ++totals[(scored ? "scored " : "unscored ") + word];
        std::cout << word << (scored ? "" : " (unscored)") << ' ' << id << ": expected " << expected << ", got "
                  << (outcome.status   ? std::to_string(outcome.status)
                      : outcome.closed ? "close"
                                       : "nothing")
                  << '\n';
        if (scored) {
            EXPECT_NE(word, "fail") << id << ": " << entry.at("description").get<std::string>();
        }
    }
    for (const auto& [what, count] : totals) std::cout << what << ": " << count << '\n';
    EXPECT_EQ(cases.empty(), !file);
}

}  // namespace sluice
