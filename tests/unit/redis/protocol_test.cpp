#include "redis/protocol.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Kind = Value::Kind;

std::vector<Value> drain(ReplyReader& reader) {
    std::vector<Value> values;
    while (auto value = reader.next()) values.push_back(std::move(*value));
    return values;
}

std::string show(const Value& value) {
    switch (value.kind) {
        case Kind::nil:
            return "nil";
        case Kind::integer:
            return std::to_string(value.integer);
        case Kind::string:
            return "'" + value.text + "'";
        case Kind::error:
            return "!" + value.text;
        case Kind::array:
            break;
    }
    std::string out = "[";
    for (const auto& element : value.elements) out += show(element) + " ";
    return out + "]";
}

std::string show(const std::vector<Value>& values) {
    std::string out;
    for (const auto& value : values) out += show(value) + "; ";
    return out;
}

// Every kind, empty ones, nested ones, and bytes that look like the protocol's own.
const std::string stream = "+OK\r\n:-42\r\n$-1\r\n$0\r\n\r\n$6\r\n\r\n\0+:$\r\n-ERR bad thing\r\n*0\r\n*-1\r\n"s +
                           "*4\r\n:1\r\n$3\r\nabc\r\n*2\r\n:9007199254740993\r\n$-1\r\n-WRONG x\r\n:7\r\n"s;
const std::string meaning =
    "'OK'; -42; nil; ''; '\r\n\0+:$'; !ERR bad thing; []; nil; [1 'abc' [9007199254740993 nil ] !WRONG x ]; 7; "s;

TEST(ReplyReader, ReadsEveryKindOfReply) {
    ReplyReader reader;
    reader.feed(stream);
    EXPECT_EQ(show(drain(reader)), meaning);
}

TEST(ReplyReader, DoesNotMindWhereTheBytesAreCut) {
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        ReplyReader reader;
        reader.feed(std::string_view{stream}.substr(0, cut));
        auto values = drain(reader);
        reader.feed(std::string_view{stream}.substr(cut));
        for (auto& value : drain(reader)) values.push_back(std::move(value));
        ASSERT_EQ(show(values), meaning) << "cut at " << cut;
    }
}

TEST(ReplyReader, ReadsByteByByte) {
    ReplyReader reader;
    std::vector<Value> values;
    for (const char& byte : stream) {
        reader.feed({&byte, 1});
        for (auto& value : drain(reader)) values.push_back(std::move(value));
    }
    EXPECT_EQ(show(values), meaning);
}

TEST(ReplyReader, AnUnfinishedReplyIsFreedWithIt) {
    ReplyReader reader;
    reader.feed("*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n");
    EXPECT_FALSE(reader.next().has_value());
}

TEST(ReplyReader, RefusesWhatIsNotRedis) {
    for (const auto bytes : {"HTTP/1.1 400 Bad Request\r\n"sv, "*2000000000\r\n"sv, "*2\r\n:1\r\n?\r\n"sv}) {
        ReplyReader reader;
        reader.feed(bytes);
        EXPECT_THROW(drain(reader), ProtocolError) << bytes;
        EXPECT_THROW(drain(reader), ProtocolError) << "a broken stream stays broken";
    }
}

TEST(AppendCommand, WritesLengthsAndKeepsBytes) {
    std::string out = "x";
    append_command(out, std::array{"SET"sv, "k\r\n"sv, "\0v"sv, ""sv});
    EXPECT_EQ(out, "x*4\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\0v\r\n$0\r\n\r\n"s);
}

}  // namespace
}  // namespace sluice::redis
