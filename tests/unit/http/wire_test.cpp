#include "http/wire.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

using namespace std::string_literals;

const HeadLimits limits{1024, 256};

Head accepted(std::string_view bytes) {
    const auto scan = scan_head(bytes, limits);
    if (const auto* refusal = std::get_if<Refusal>(&scan)) {
        ADD_FAILURE() << bytes << "\nrefused: " << refusal->status << ' ' << refusal->detail;
        return {};
    }
    if (!std::holds_alternative<Head>(scan)) {
        ADD_FAILURE() << bytes << "\nincomplete";
        return {};
    }
    return std::get<Head>(scan);
}

/// 0: accepted; 1: incomplete
unsigned refused(std::string_view bytes) {
    const auto scan = scan_head(bytes, limits);
    if (const auto* refusal = std::get_if<Refusal>(&scan)) return refusal->status;
    return std::holds_alternative<Incomplete>(scan) ? 1 : 0;
}

struct Row {
    const char* what;
    std::string bytes;
    unsigned status;
};

}  // namespace

TEST(Wire, ReadsARequestLine) {
    const std::string bytes = "GET /v1/cities/1?x=%20&y HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto received = bytes + "rest";  // the head's views point here
    const auto head = accepted(received);
    EXPECT_EQ(head.method, Method::get);
    EXPECT_EQ(head.version, 11);
    EXPECT_EQ(head.target, "/v1/cities/1?x=%20&y");
    EXPECT_EQ(head.raw_path, "/v1/cities/1");
    EXPECT_EQ(head.raw_query, "x=%20&y");
    EXPECT_EQ(head.begin, 0u);
    EXPECT_EQ(head.end, bytes.size());
    EXPECT_EQ(head.field_count, 1u);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.chunked);
    EXPECT_EQ(head.content_length, std::nullopt);
}

TEST(Wire, SkipsEmptyLinesBeforeARequest) {
    EXPECT_EQ(accepted("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").begin, 4u);
    EXPECT_EQ(refused("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400u);
}

TEST(Wire, ReadsAbsoluteForm) {
    auto head = accepted("GET http://example.com:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n");
    EXPECT_EQ(head.raw_path, "/a");
    EXPECT_EQ(head.raw_query, "b");
    EXPECT_EQ(head.target, "http://example.com:80/a?b");
    head = accepted("GET HTTP://example.com?b HTTP/1.1\r\nHost: other\r\n\r\n");
    EXPECT_EQ(head.raw_path, "/");
    EXPECT_EQ(head.raw_query, "b");
    EXPECT_EQ(accepted("OPTIONS https://example.com HTTP/1.1\r\nHost: a\r\n\r\n").raw_path, "*");
}

TEST(Wire, ReadsFraming) {
    EXPECT_EQ(accepted("POST / HTTP/1.1\r\nHost: a\r\ncontent-length:\t5 \r\n\r\n").content_length, 5u);
    EXPECT_EQ(accepted("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").content_length, 0u);
    EXPECT_TRUE(accepted("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").chunked);
    EXPECT_TRUE(accepted("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n").expects_continue);
    EXPECT_FALSE(accepted("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(Wire, ReadsPersistence) {
    EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keep_alive);
    EXPECT_FALSE(accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: x , CLOSE\r\n\r\n").keep_alive);
    EXPECT_FALSE(accepted("GET / HTTP/1.0\r\n\r\n").keep_alive);
    EXPECT_TRUE(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    EXPECT_FALSE(accepted("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(Wire, AcceptsHostsOfEveryForm) {
    for (const auto* host :
         {"a", "example.com", "example.com:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "a_b-c", "a:", ""}) {
        accepted("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n");
    }
}

TEST(Wire, EveryPrefixIsIncomplete) {
    const std::string bytes = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX: y\r\n\r\n";
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_EQ(refused(bytes.substr(0, size)), 1u) << size;
    EXPECT_EQ(refused(bytes), 0u);
}

TEST(Wire, RefusesSmugglingShapes) {
    const auto with = [](std::string_view fields) {
        return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{fields} + "\r\n";
    };
    const Row rows[] = {
        {"bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"bare LF behind a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
        {"bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"CR alone in the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
        {"CR alone in a value", with("X: a\rb\r\n"), 400},
        {"CR CR LF", with("X: a\r\r\n"), 400},
        {"NUL in a value", with("X: a\0b\r\n"s), 400},
        {"NUL in a name", with("X\0: b\r\n"s), 400},
        {"NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
        {"bell in a value", with("X: \x07\r\n"), 400},
        {"DEL in a value", with("X: \x7f\r\n"), 400},
        {"folded value", with("X: a\r\n b\r\n"), 400},
        {"folded with a tab", with("X: a\r\n\tb\r\n"), 400},
        {"white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"space before the colon", with("Content-Length : 5\r\n"), 400},
        {"tab before the colon", with("Content-Length\t: 5\r\n"), 400},
        {"empty name", with(": a\r\n"), 400},
        {"no colon", with("abc\r\n"), 400},
        {"name that is no token", with("a(b): c\r\n"), 400},
        {"name beyond ASCII", with("\xc3\xa4: c\r\n"), 400},
        {"Content-Length twice, equal", with("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
        {"Content-Length twice, different", with("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
        {"Content-Length as a list", with("Content-Length: 5,5\r\n"), 400},
        {"Content-Length with a sign", with("Content-Length: +5\r\n"), 400},
        {"negative Content-Length", with("Content-Length: -5\r\n"), 400},
        {"hexadecimal Content-Length", with("Content-Length: 0x5\r\n"), 400},
        {"Content-Length with a space", with("Content-Length: 5 5\r\n"), 400},
        {"fractional Content-Length", with("Content-Length: 5.0\r\n"), 400},
        {"empty Content-Length", with("Content-Length: \r\n"), 400},
        {"huge Content-Length", with("Content-Length: 99999999999999999999\r\n"), 400},
        {"both lengths", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"both lengths, the other way", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
        {"Transfer-Encoding twice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"chunked twice", with("Transfer-Encoding: chunked, chunked\r\n"), 400},
        {"chunked and an empty element", with("Transfer-Encoding: chunked,\r\n"), 400},
        {"empty Transfer-Encoding", with("Transfer-Encoding:\r\n"), 400},
        {"chunked with a parameter", with("Transfer-Encoding: chunked;a\r\n"), 400},
        {"chunked in quotes", with("Transfer-Encoding: \"chunked\"\r\n"), 400},
        {"chunked behind a vertical tab",
         with("Transfer-Encoding: \x0b"
              "chunked\r\n"),
         400},
        {"another coding", with("Transfer-Encoding: gzip\r\n"), 501},
        {"another coding and chunked", with("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"chunked and another coding", with("Transfer-Encoding: chunked, identity\r\n"), 400},
        {"chunked between others", with("Transfer-Encoding: gzip, chunked, gzip\r\n"), 400},
        {"chunked, another and chunked", with("Transfer-Encoding: chunked, gzip, chunked\r\n"), 400},
        {"two others and chunked", with("Transfer-Encoding: gzip, deflate, chunked\r\n"), 501},
        {"chunked in front, in a field of its own", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), 400},
        {"nearly chunked", with("Transfer-Encoding: xchunked\r\n"), 501},
        {"Transfer-Encoding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    };
    for (const auto& row : rows) EXPECT_EQ(refused(row.bytes), row.status) << row.what;
}

TEST(Wire, RefusesMalformedRequestLines) {
    const Row rows[] = {
        {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"no version", "GET /\r\n", 400},
        {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"method that is no token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
        {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"TRACE with a body", "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 400},
        {"version without a minor", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
        {"version with zeros", "GET / HTTP/01.01\r\nHost: a\r\n\r\n", 400},
        {"version with a space", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", 400},
        {"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"raw bytes beyond ASCII", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"control character", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"authority form", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"relative path", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute form without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute form with user information", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    };
    for (const auto& row : rows) EXPECT_EQ(refused(row.bytes), row.status) << row.what;
}

TEST(Wire, RefusesMalformedHosts) {
    EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400u);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400u);
    EXPECT_EQ(refused("GET / HTTP/1.0\r\n\r\n"), 0u);
    EXPECT_EQ(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400u);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n\r\n"), 400u);
    for (const auto* host : {"u@a", "a/b", "a b", "a,b c", "a:b", "a:123456", ":80", "[::1", "[]", "[g::]", "[::1]x", "a?b",
                             "a#b", "\xc3\xa4"}) {
        EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n"), 400u) << host;
    }
}

TEST(Wire, RefusesOtherExpectations) {
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n"), 417u);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n"), 417u);
}

TEST(Wire, BoundsTheTarget) {
    const auto with = [](std::size_t size) { return "GET /" + std::string(size - 1, 'a'); };
    EXPECT_EQ(refused(with(256) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 0u);
    EXPECT_EQ(refused(with(257) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414u);
    EXPECT_EQ(refused(with(256)), 1u);
    EXPECT_EQ(refused(with(257)), 414u) << "must not wait for the end of the line";
    EXPECT_EQ(refused(with(5000)), 414u);
    EXPECT_EQ(refused(with(5000) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414u);
}

TEST(Wire, BoundsTheHead) {
    const std::string line = "GET / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(refused(line + "X: " + std::string(900, 'a') + "\r\n\r\n"), 0u);
    EXPECT_EQ(refused(line + "X: " + std::string(1100, 'a') + "\r\n\r\n"), 431u);
    EXPECT_EQ(refused(line + "X: " + std::string(1100, 'a')), 431u) << "must not wait for the end of the head";
    EXPECT_EQ(refused(std::string(5000, 'a')), 431u);
    std::string many = line;
    for (int i = 0; i < 201; ++i) many += "a:\r\n";
    EXPECT_EQ(refused(many + "\r\n"), 431u);
}

}  // namespace sluice::http
