#include "auth/key_exceptions.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using Ruling = KeyExceptions::Ruling;
using std::chrono::sys_seconds;

const std::string a = "0123456789abcdef01234567";
const std::string b = "ffffffffffffffffffffffff";
const auto now = std::chrono::system_clock::time_point{} + 1'800'000'000s;
const KeyException revoked{sys_seconds{}, std::nullopt};

KeyException moved(std::string tier) { return {std::nullopt, std::move(tier)}; }

std::string id_of(unsigned n) {
    std::string id(24, '0');
    for (std::size_t i = 24; n > 0; n /= 16) id[--i] = "0123456789abcdef"[n % 16];
    return id;
}

}  // namespace

TEST(KeyExceptions, MostKeysAreAsTheySay) {
    KeyExceptions exceptions;
    EXPECT_EQ(exceptions.find(a, now), Ruling{});
    exceptions.apply(b, revoked);
    EXPECT_EQ(exceptions.find(a, now), Ruling{});
}

TEST(KeyExceptions, RemembersRevocationsAndTiers) {
    KeyExceptions exceptions;
    exceptions.apply(id_of(1), revoked);
    exceptions.apply(id_of(2), moved("pro"));
    exceptions.apply(id_of(3), {sys_seconds{}, "free"});
    EXPECT_EQ(exceptions.find(id_of(1), now), (Ruling{true, std::nullopt}));
    EXPECT_EQ(exceptions.find(id_of(2), now), (Ruling{false, "pro"}));
    EXPECT_EQ(exceptions.find(id_of(3), now), (Ruling{true, "free"}));
    EXPECT_EQ(exceptions.size(), 3u);
}

TEST(KeyExceptions, ARevocationThatLiesAheadHoldsFromThen) {
    KeyExceptions exceptions;
    const auto from = std::chrono::time_point_cast<std::chrono::seconds>(now);
    exceptions.apply(a, {from, std::nullopt});
    EXPECT_FALSE(exceptions.find(a, now - 1ms).revoked);
    EXPECT_TRUE(exceptions.find(a, now).revoked);
    KeyExceptionTable table;
    table.apply(a, {from, "pro"});
    EXPECT_EQ(table.find(a), (KeyException{from, "pro"}));
}

TEST(KeyExceptions, TheLastWordHolds) {
    KeyExceptions exceptions;
    exceptions.apply(a, moved("pro"));
    exceptions.apply(a, moved("free"));
    EXPECT_EQ(exceptions.find(a, now), (Ruling{false, "free"}));
    exceptions.apply(a, revoked);
    EXPECT_EQ(exceptions.find(a, now), (Ruling{true, std::nullopt}));
    exceptions.apply(a, {});
    EXPECT_EQ(exceptions.find(a, now), Ruling{});
    exceptions.apply(b, {});
    EXPECT_EQ(exceptions.size(), 0u);
}

TEST(KeyExceptions, ReplacesAllAtOnce) {
    KeyExceptions exceptions;
    exceptions.apply(b, revoked);
    KeyExceptionTable table;
    table.apply(a, revoked);
    table.apply(id_of(1), moved("pro"));
    exceptions.replace(table);
    EXPECT_EQ(exceptions.find(b, now), Ruling{});
    EXPECT_TRUE(exceptions.find(a, now).revoked);
    EXPECT_EQ(exceptions.find(id_of(1), now).tier, "pro");
    EXPECT_EQ(exceptions.size(), 2u);
    exceptions.replace({});
    EXPECT_EQ(exceptions.size(), 0u);
    EXPECT_EQ(exceptions.find(a, now), Ruling{});
}

TEST(KeyExceptions, IdsThatNoKeyHasAreLeftOut) {
    KeyExceptionTable table;
    for (const auto* id : {"", "k1", "0123456789ABCDEF01234567", "0123456789abcdef0123456", "0123456789abcdef012345678",
                           "0123456789abcdefg1234567"}) {
        table.apply(id, revoked);
        EXPECT_EQ(table.find(id), KeyException{}) << id;
    }
    EXPECT_EQ(table.size(), 0u);
}

TEST(KeyExceptions, TellsManyApart) {
    KeyExceptionTable table;
    for (unsigned i = 0; i < 100'000; i += 2)
        table.apply(id_of(i), i % 3 == 0 ? revoked : moved("t" + std::to_string(i % 7)));
    EXPECT_EQ(table.size(), 50'000u);
    for (unsigned i = 0; i < 100'000; ++i) {
        const auto expected = i % 2 == 1 ? KeyException{} : i % 3 == 0 ? revoked : moved("t" + std::to_string(i % 7));
        ASSERT_EQ(table.find(id_of(i)), expected) << i;
    }
}

TEST(KeyExceptions, IsReadWhileItChanges) {
    KeyExceptions exceptions;
    exceptions.apply(a, {sys_seconds{}, "pro"});
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> readers;
    const Ruling other{true, "a tier of more than fifteen characters"};
    readers.reserve(2);
    for (int t = 0; t < 2; ++t) {
        readers.emplace_back([&] {
            do {
                if (exceptions.find(a, now) != Ruling{true, "pro"}) ++wrong;
                const auto found = exceptions.find(b, now);
                if (found != Ruling{} && found != other) ++wrong;
            } while (!done);
        });
    }
    for (unsigned i = 0; i < 1000; ++i) {
        exceptions.apply(b, {sys_seconds{}, other.tier});
        exceptions.apply(id_of(i), revoked);
        exceptions.apply(b, {});
    }
    done = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace sluice::auth
