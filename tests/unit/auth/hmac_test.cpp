#include "auth/hmac.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sluice::auth {

namespace {

std::string hex_of(const Hmac::Mac& mac) {
    std::string hex;
    for (const auto byte : mac) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 0xF];
    }
    return hex;
}

std::string compute(const std::string& secret, const std::string& text) { return hex_of(Hmac{secret}.compute(text, {})); }

}  // namespace

TEST(Hmac, MatchesRfc4231) {
    EXPECT_EQ(compute(std::string(20, '\x0b'), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(compute("Jefe", "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(compute(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, JoinsItsTwoParts) {
    const Hmac hmac{"Jefe"};
    const std::vector<std::uint8_t> rest{'b', 'c'};
    EXPECT_EQ(hmac.compute("a", rest), hmac.compute("abc", {}));
    EXPECT_EQ(hmac.compute("a", rest), hmac.compute("a", rest)) << "nothing is left over from the call before";
}

TEST(Hmac, ServesMoreThreadsThanItKeepsContexts) {
    const Hmac hmac{"Jefe"};
    const auto expected = hmac.compute("text", {});
    std::atomic<int> wrong = 0;
    auto work = [&] {
        for (int i = 0; i < 200; ++i) wrong += hmac.compute("text", {}) != expected;
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 40; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace sluice::auth
