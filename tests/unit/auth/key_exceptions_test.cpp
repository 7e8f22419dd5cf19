#include "auth/key_exceptions.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::auth {

using Exception = KeyExceptions::Exception;

TEST(KeyExceptions, MostKeysAreAsTheySay) {
    KeyExceptions exceptions;
    EXPECT_EQ(exceptions.find("a"), Exception{});
    EXPECT_TRUE(exceptions.find("a").is_none());
    exceptions.apply("b", true, std::nullopt);
    EXPECT_EQ(exceptions.find("a"), Exception{});
}

TEST(KeyExceptions, RemembersRevocationsAndTiers) {
    KeyExceptions exceptions;
    exceptions.apply("revoked", true, std::nullopt);
    exceptions.apply("moved", false, "pro");
    exceptions.apply("both", true, "free");
    EXPECT_EQ(exceptions.find("revoked"), (Exception{true, std::nullopt}));
    EXPECT_EQ(exceptions.find("moved"), (Exception{false, "pro"}));
    EXPECT_EQ(exceptions.find("both"), (Exception{true, "free"}));
    EXPECT_EQ(exceptions.size(), 3u);
}

TEST(KeyExceptions, TheLastWordHolds) {
    KeyExceptions exceptions;
    exceptions.apply("a", false, "pro");
    exceptions.apply("a", false, "free");
    EXPECT_EQ(exceptions.find("a"), (Exception{false, "free"}));
    exceptions.apply("a", true, std::nullopt);
    EXPECT_EQ(exceptions.find("a"), (Exception{true, std::nullopt}));
    exceptions.apply("a", false, std::nullopt);
    EXPECT_TRUE(exceptions.find("a").is_none());
    exceptions.apply("never", false, std::nullopt);
    EXPECT_EQ(exceptions.size(), 0u);
}

TEST(KeyExceptions, ReplacesAllAtOnce) {
    KeyExceptions exceptions;
    exceptions.apply("old", true, std::nullopt);
    exceptions.replace({{"a", {true, std::nullopt}}, {"b", {false, "pro"}}, {"none", {}}, {"b", {false, "free"}}});
    EXPECT_TRUE(exceptions.find("old").is_none());
    EXPECT_TRUE(exceptions.find("a").revoked);
    EXPECT_EQ(exceptions.find("b").tier, "free");
    EXPECT_EQ(exceptions.size(), 2u);
    exceptions.replace({});
    EXPECT_EQ(exceptions.size(), 0u);
    EXPECT_TRUE(exceptions.find("a").is_none());
}

TEST(KeyExceptions, IsReadWhileItChanges) {
    KeyExceptions exceptions;
    exceptions.apply("always", true, "pro");
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t) {
        readers.emplace_back([&] {
            do {
                if (exceptions.find("always") != Exception{true, "pro"}) ++wrong;
                const auto other = exceptions.find("other");
                if (!other.is_none() && other != Exception{true, "a tier of more than fifteen characters"}) ++wrong;
            } while (!done);
        });
    }
    for (int i = 0; i < 1000; ++i) {
        exceptions.apply("other", true, "a tier of more than fifteen characters");
        exceptions.apply(std::to_string(i), true, std::nullopt);
        exceptions.apply("other", false, std::nullopt);
    }
    done = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace sluice::auth
