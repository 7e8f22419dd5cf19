#include "redis/url.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace sluice::redis {
namespace {

std::string complaint_about(std::string_view url) {
    try {
        parse_url(url);
    } catch (const std::invalid_argument& refused) {
        return refused.what();
    }
    return "accepted";
}

TEST(RedisUrl, HostAloneHasDefaults) {
    const auto address = parse_url("redis://cache.internal");
    EXPECT_EQ(address.host, "cache.internal");
    EXPECT_EQ(address.port, 6379);
    EXPECT_EQ(address.user, "");
    EXPECT_EQ(address.password, "");
    EXPECT_EQ(address.database, 0u);
}

TEST(RedisUrl, ReadsEveryPart) {
    const auto address = parse_url("redis://app:secret@10.0.0.1:6380/3");
    EXPECT_EQ(address.host, "10.0.0.1");
    EXPECT_EQ(address.port, 6380);
    EXPECT_EQ(address.user, "app");
    EXPECT_EQ(address.password, "secret");
    EXPECT_EQ(address.database, 3u);
}

TEST(RedisUrl, PasswordWithoutUser) {
    const auto address = parse_url("redis://:secret@h/");
    EXPECT_EQ(address.user, "");
    EXPECT_EQ(address.password, "secret");
    EXPECT_EQ(address.database, 0u);
}

TEST(RedisUrl, CredentialsArePercentDecoded) {
    const auto address = parse_url("redis://us%3aer:p%40ss%2Fw%25@h");
    EXPECT_EQ(address.user, "us:er");
    EXPECT_EQ(address.password, "p@ss/w%");
}

TEST(RedisUrl, PasswordMayHoldReservedCharacters) {
    EXPECT_EQ(parse_url("redis://:a@b/c?d@h:1/2").password, "a@b/c?d");
    EXPECT_EQ(parse_url("redis://:a:b@h").password, "a:b");
}

TEST(RedisUrl, NumericVersionSixAddress) {
    const auto address = parse_url("redis://[::1]:7000/1");
    EXPECT_EQ(address.host, "::1");
    EXPECT_EQ(address.port, 7000);
    EXPECT_EQ(to_string(address), "[::1]:7000");
    EXPECT_EQ(to_string(parse_url("redis://h")), "h:6379");
}

TEST(RedisUrl, RefusesTls) { EXPECT_NE(complaint_about("rediss://h").find("TLS"), std::string::npos); }

TEST(RedisUrl, RefusesWhatItDoesNotUnderstand) {
    for (const auto* url : {"",
                            "h",
                            "http://h",
                            "redis:/h",
                            "redis://",
                            "redis://:p@",
                            "redis://:6379",
                            "redis://h:",
                            "redis://h:0",
                            "redis://h:x",
                            "redis://h:1x",
                            "redis://h:65536",
                            "redis://h/x",
                            "redis://h/-1",
                            "redis://h#1",
                            "redis://[::1",
                            "redis://[::1]x",
                            "redis://h/1/2",
                            "redis://h?db=1",
                            "redis://user@h",
                            "redis://user:@h",
                            "redis://:%4@h",
                            "redis://:%zz@h",
                            "redis://:%@h"}) {
        EXPECT_TRUE(complaint_about(url).starts_with("Redis URL: ")) << url << ": " << complaint_about(url);
    }
}

TEST(RedisUrl, ComplaintsHoldNoCredentials) {
    EXPECT_EQ(complaint_about("redis://app:hunter2@h:x").find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace sluice::redis
