// The two forms of a line.
#include "telemetry/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sluice::log {
namespace {

/// Without its time.
std::string line_of(Format format, Level level, std::string_view event, Fields fields) {
    std::string line;
    compose_line(line, format, level, event, fields);
    const auto time_end = line.find('Z');
    return time_end == line.npos ? line : line.substr(time_end + 1);
}

}  // namespace

TEST(LogLine, JsonIsAnObject) {
    EXPECT_EQ(line_of(Format::json, Level::info, "serving", {{"port", 80}, {"name", "a\"b"}, {"ok", true}, {"x", 1.5}}),
              R"(","level":"info","event":"serving","port":80,"name":"a\"b","ok":true,"x":1.5})");
    EXPECT_EQ(line_of(Format::json, Level::error, "a\nb\x1b\xc3", {{"x", std::nan("")}}),
              R"(","level":"error","event":"a\nb\u001b\u00c3","x":null})");
}

TEST(LogLine, TextIsForPeople) {
    EXPECT_EQ(line_of(Format::text, Level::info, "serving", {{"port", 80}, {"name", "x.y/z"}, {"ok", true}, {"x", 1.5}}),
              " info    serving port=80 name=x.y/z ok=true x=1.5");
    EXPECT_EQ(line_of(Format::text, Level::warning, "no redis: limits are its own", {}),
              " warning no redis: limits are its own");
}

TEST(LogLine, NothingInTextBeginsALineOrCommandsATerminal) {
    EXPECT_EQ(line_of(Format::text, Level::debug, "e", {{"a", ""}, {"b", "x y"}, {"c", "x=y"}, {"d", "\n\x1b[2J\x7f\x9b"}}),
              R"( debug   e a="" b="x y" c="x=y" d="\n\u001b[2J\u007f\u009b")");
    EXPECT_EQ(line_of(Format::text, Level::debug, "a\nb", {}), R"( debug   a\nb)");
}

}  // namespace sluice::log
