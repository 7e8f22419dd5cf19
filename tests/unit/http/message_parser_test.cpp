#include "http/message_parser.hpp"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

constexpr std::string_view chunked_head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Result {
    BodyState state;
    std::string body;
    std::size_t consumed;
};

/// Feeds the bytes in pieces of that size, keeping what is left over as a connection does.
Result feed(std::string_view bytes, std::size_t piece, std::size_t limit = 1000) {
    MessageParser parser;
    std::vector<HeaderField> fields;
    EXPECT_TRUE(parser.start(chunked_head, fields));
    Result result{parser.state(), {}, 0};
    std::string window;
    for (std::size_t at = 0; at < bytes.size() && parser.state() == BodyState::incomplete; at += piece) {
        window += bytes.substr(at, piece);
        const auto consumed = parser.feed(window, &result.body, limit);
        result.consumed += consumed;
        window.erase(0, consumed);
    }
    result.state = parser.state();
    return result;
}

}  // namespace

TEST(MessageParser, FieldsAreViewsIntoTheHead) {
    MessageParser parser;
    std::vector<HeaderField> fields;
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX-Y:  b c \r\nEmpty:\r\n\r\n";
    ASSERT_TRUE(parser.start(head, fields));
    EXPECT_EQ(parser.state(), BodyState::complete);
    ASSERT_EQ(fields.size(), 3u);
    EXPECT_EQ(fields[1].name, "X-Y");
    EXPECT_EQ(fields[1].value, "b c");
    EXPECT_EQ(fields[2].value, "");
    EXPECT_GE(fields[1].value.data(), head.data());
    EXPECT_LT(fields[1].value.data(), head.data() + head.size());
}

TEST(MessageParser, ReadsChunksHoweverTheyArrive) {
    constexpr std::string_view bytes = "5\r\nhello\r\n6;a=b\r\n world\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nGET /next";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto result = feed(bytes, piece);
        EXPECT_EQ(result.state, BodyState::complete) << piece;
        EXPECT_EQ(result.body, "hello world0123456789") << piece;
        EXPECT_EQ(result.consumed, bytes.size() - 9) << piece;
    }
}

TEST(MessageParser, ReadsAFixedLength) {
    MessageParser parser;
    std::vector<HeaderField> fields;
    ASSERT_TRUE(parser.start("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", fields));
    std::string body;
    EXPECT_EQ(parser.feed("hel", &body, 5), 3u);
    EXPECT_EQ(parser.state(), BodyState::incomplete);
    EXPECT_EQ(parser.feed("loGET", &body, 5), 2u);
    EXPECT_EQ(parser.state(), BodyState::complete);
    EXPECT_EQ(body, "hello");
}

TEST(MessageParser, CountsChunksAsTheyCome) {
    EXPECT_EQ(feed("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", 1, 10).state, BodyState::complete);
    EXPECT_EQ(feed("5\r\nhello\r\n6\r\n", 1, 10).state, BodyState::too_large);
    EXPECT_EQ(feed("FFFFFFFFFFFFFFFF\r\n", 1, 10).state, BodyState::too_large);
}

TEST(MessageParser, RefusesMalformedChunks) {
    for (const auto* bytes : {
             "x\r\n",
             "-5\r\nhello\r\n",
             "+5\r\nhello\r\n",
             " 5\r\nhello\r\n",
             "0x5\r\nhello\r\n",
             "5 5\r\nhello\r\n",
             "5\nhello\r\n",                    // bare LF behind the size
             "5\r\nhelloX\r\n",                 // longer than it says
             "5\r\nhello\n0\r\n\r\n",           // bare LF behind the data
             "FFFFFFFFFFFFFFFF0\r\nhello\r\n",  // beyond 64 bits
             "5;a\nb\r\nhello\r\n",             // bare LF in an extension
             "5;a=\"\x01\"\r\nhello\r\n",       // control character in an extension
             "0\r\nContent-Length: 5\r\n\r\n",  // framing in a trailer
             "0\r\nbad name: 5\r\n\r\n",
         }) {
        const auto state = feed(std::string{bytes} + "GET / HTTP/1.1\r\n\r\n", 1000).state;
        EXPECT_EQ(state, BodyState::malformed) << bytes;
    }
    EXPECT_EQ(feed("5;a=" + std::string(300, 'b') + "\r\nhello\r\n", 1000).state, BodyState::malformed);
}

}  // namespace sluice::http
