#include "memory/byte_store.hpp"

#include "support/run.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace sluice::memory {

using namespace std::chrono_literals;

namespace {

class MemoryByteStoreTest : public testing::Test {
protected:
    TimePoint now{1h};
    ByteStore store{4000, [this] { return now; }};

    StoredBytes get(std::string_view key) { return test::run(store.get(key, Deadline::never())); }
    bool put(std::string_view key, std::string bytes, std::chrono::milliseconds lifetime = 10s) {
        return test::run(store.put(key, std::move(bytes), lifetime, Deadline::never()));
    }
};

}  // namespace

TEST_F(MemoryByteStoreTest, ReturnsWhatWasPut) {
    EXPECT_EQ(get("a").status, StoreStatus::missing);
    EXPECT_TRUE(put("a", std::string("x\0y", 3)));
    now += 4s;
    const auto found = get("a");
    EXPECT_EQ(found.status, StoreStatus::found);
    EXPECT_EQ(found.bytes, std::string("x\0y", 3));
    EXPECT_EQ(found.remaining, 6s);
}

TEST_F(MemoryByteStoreTest, ReplacesAndCountsOnce) {
    put("a", std::string(1000, 'x'));
    const auto once = store.bytes();
    put("a", std::string(1000, 'y'), 20s);
    EXPECT_EQ(store.bytes(), once);
    EXPECT_EQ(get("a").bytes, std::string(1000, 'y'));
    EXPECT_EQ(get("a").remaining, 20s);
}

TEST_F(MemoryByteStoreTest, DropsWhatHasExpired) {
    put("a", "x");
    now += 10s - 1ns;
    EXPECT_EQ(get("a").status, StoreStatus::found);
    EXPECT_EQ(get("a").remaining, 1ms) << "rounded up: it is still there";
    now += 1ns;
    EXPECT_EQ(get("a").status, StoreStatus::missing);
    EXPECT_EQ(store.bytes(), 0u);
}

TEST_F(MemoryByteStoreTest, ALifetimeThatIsNotPositiveRemoves) {
    put("a", "x");
    EXPECT_TRUE(put("a", "y", 0ms));
    EXPECT_EQ(get("a").status, StoreStatus::missing);
    EXPECT_TRUE(put("b", "y", -1ms));
    EXPECT_EQ(store.bytes(), 0u);
}

TEST_F(MemoryByteStoreTest, LeastRecentlyUsedGoFirst) {
    for (const char* key : {"a", "b", "c"}) put(key, std::string(1000, 'x'));
    get("a");
    put("d", std::string(1000, 'x'));
    EXPECT_EQ(get("b").status, StoreStatus::missing);
    for (const char* key : {"a", "c", "d"}) EXPECT_EQ(get(key).status, StoreStatus::found) << key;
}

TEST_F(MemoryByteStoreTest, NeverExceedsItsBudget) {
    for (int i = 0; i < 500; ++i) {
        put("key" + std::to_string(i % 40), std::string(static_cast<std::size_t>(i * 37 % 1500), 'x'));
        ASSERT_LE(store.bytes(), 4000u);
    }
}

TEST_F(MemoryByteStoreTest, RefusesWhatCanNeverFit) {
    put("a", "x");
    put("b", "x");
    EXPECT_FALSE(put("a", std::string(4000, 'x')));
    EXPECT_EQ(get("a").status, StoreStatus::missing) << "an older value must not outlive a newer one";
    EXPECT_EQ(get("b").status, StoreStatus::found);
}

TEST(MemoryByteStore, ServesManyThreads) {
    ByteStore store{20'000};
    auto work = [&store](int seed) {
        for (int i = 0; i < 500; ++i) {
            const auto key = std::to_string((i * 7 + seed) % 30);
            test::run(store.put(key, key + key, 10s, Deadline::never()));
            const auto found = test::run(store.get(key, Deadline::never()));
            if (found.status == StoreStatus::found) {
                EXPECT_EQ(found.bytes, key + key);
            }
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back(work, t);
    for (auto& thread : threads) thread.join();
}

}  // namespace sluice::memory
