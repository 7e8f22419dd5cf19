// The regular expression that docs/configuration.md gives to secret scanners.
#include "auth/key_codec.hpp"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

namespace sluice::auth {
namespace {

constexpr std::size_t shortest = 55;  // version, secret id, id, expiry, a tier of one character, MAC

std::string documented_pattern() {
    std::ifstream stream{SLUICE_SOURCE_DIR "/docs/configuration.md"};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const std::string open = "```regex\n";
    const auto begin = text.find(open);
    if (begin == text.npos) return "(no regular expression";
    return text.substr(begin + open.size(), text.find("\n```", begin) - begin - open.size());
}

/// Keys of random contents, short and long ones.
class RandomKeys {
public:
    std::string next() {
        KeyData data{generate_key_id(), word(1 + random_() % 20), expiry(), {}};
        for (auto n = random_() % 9; n > 0; --n) data.scopes.push_back(word(1 + random_() % 30));
        return codec_.issue(data);
    }
    std::string shortest_of_all() { return codec_.issue({generate_key_id(), "t", 0, {}}); }

private:
    std::string word(std::size_t size) {
        std::string text(size, 'a');
        for (auto& c : text) c = static_cast<char>('a' + random_() % 26);
        return text;
    }
    std::int64_t expiry() { return random_() % 2 ? 0 : static_cast<std::int64_t>(random_() % (std::uint64_t{1} << 40)); }

    std::mt19937_64 random_{20261124};
    const KeyCodec codec_{{"0123456789abcdef0123456789abcdef"}};
};

}  // namespace

TEST(KeyPattern, MatchesEveryKeyAndNothingShorterThanOne) {
    const RE2 pattern{documented_pattern()};
    ASSERT_TRUE(pattern.ok()) << pattern.error();
    RandomKeys keys;
    std::mt19937_64 random{7};
    std::size_t longest = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto key = i % 100 == 0 ? keys.shortest_of_all() : keys.next();
        longest = std::max(longest, key.size());
        ASSERT_TRUE(RE2::FullMatch(key, pattern)) << key;
        ASSERT_TRUE(RE2::PartialMatch("API_KEY=\"" + key + "\"\n", pattern)) << key;
        ASSERT_GE(key.size(), shortest);
        ASSERT_FALSE(RE2::PartialMatch(key.substr(0, random() % shortest), pattern)) << key;
        ASSERT_FALSE(RE2::PartialMatch(key.substr(0, shortest - 1), pattern)) << key;
        ASSERT_FALSE(RE2::PartialMatch("slk-" + key.substr(4), pattern)) << key;
    }
    EXPECT_GT(longest, 250u);
    EXPECT_EQ(keys.shortest_of_all().size(), shortest);
}

TEST(KeyPattern, MatchesTheLongestKeyAndNothingLonger) {
    const RE2 pattern{documented_pattern()};
    ASSERT_TRUE(pattern.ok()) << pattern.error();
    const KeyCodec codec{{"0123456789abcdef0123456789abcdef"}};
    const auto key = codec.issue({generate_key_id(), std::string(253, 't'), 0, {std::string(79, 's')}});
    ASSERT_EQ(key.size(), KeyCodec::max_key_length);
    EXPECT_TRUE(RE2::FullMatch(key, pattern));
    EXPECT_FALSE(RE2::FullMatch(key + "0", pattern));
}

}  // namespace sluice::auth
