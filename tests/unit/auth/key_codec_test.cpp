#include "auth/key_codec.hpp"

#include "auth/base62.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <atomic>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice::auth {

using std::chrono::system_clock;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
const std::string another_secret = "another secret of enough bytes";
const std::string id = "00112233445566778899aabb";

system_clock::time_point at(std::int64_t seconds) { return system_clock::time_point{std::chrono::seconds{seconds}}; }
const auto now = at(1'700'000'000);

std::uint8_t id_of(const std::string& text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return digest[0];
}

std::vector<std::uint8_t> bytes_of(const std::string& key) {
    std::vector<std::uint8_t> bytes(512);
    bytes.resize(decode_base62(std::string_view{key}.substr(4), bytes).value());
    return bytes;
}

std::string key_of(const std::vector<std::uint8_t>& bytes) {
    std::string key = "slk_";
    append_base62(key, bytes);
    return key;
}

// A key with a right MAC over any payload, computed the plain way.
std::string signed_key(std::vector<std::uint8_t> payload) {
    std::vector<std::uint8_t> message{'s', 'l', 'k', '_'};
    message.insert(message.end(), payload.begin(), payload.end());
    std::array<unsigned char, 32> mac;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), message.data(), message.size(), mac.data(), nullptr);
    payload.insert(payload.end(), mac.begin(), mac.begin() + 16);
    return key_of(payload);
}

std::string message_of(const auto& action) {
    try {
        action();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace

TEST(KeyCodec, RoundTrips) {
    const KeyCodec codec{{secret}};
    const KeyData cases[] = {
        {id, "pro", 0, {}},
        {id, "pro", 1'800'000'000, {"reviews:write"}},
        {"ffffffffffffffffffffffff", "enterprise", (std::int64_t{1} << 40) - 1, {"a", "b", "c", "reviews:write", "admin.*"}},
        {"000000000000000000000000", "t", 0, {"a"}},
        {id, std::string(255, 't'), 0, {}},
        {id, "pro", 0, std::vector<std::string>(100, "s")},
        {id, "pro", 0, {"same", "same"}},
    };
    for (const auto& data : cases) {
        const auto key = codec.issue(data);
        EXPECT_LE(key.size(), KeyCodec::max_key_length);
        EXPECT_TRUE(key.starts_with("slk_"));
        EXPECT_EQ(key.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 4), key.npos);
        const auto verified = codec.verify(key, now);
        ASSERT_TRUE(verified) << key;
        EXPECT_EQ(*verified, data);
    }
}

TEST(KeyCodec, RandomKeysRoundTrip) {
    const KeyCodec codec{{another_secret, secret}};
    std::mt19937 random{5};
    const auto word = [&] {
        std::string text(1 + random() % 12, 'a');
        for (auto& c : text) c = static_cast<char>('a' + random() % 26);
        return text;
    };
    for (int i = 0; i < 2000; ++i) {
        KeyData data{generate_key_id(), word(), random() % 2 ? 0 : 1'700'000'001 + static_cast<std::int64_t>(random()), {}};
        for (unsigned n = static_cast<unsigned>(random() % 8); n > 0; --n) data.scopes.push_back(word());
        const auto verified = codec.verify(codec.issue(data), now);
        ASSERT_TRUE(verified);
        ASSERT_EQ(*verified, data);
    }
}

TEST(KeyCodec, TheLayoutIsAsDocumented) {
    const KeyCodec codec{{secret}};
    std::vector<std::uint8_t> payload{1, id_of(secret)};
    for (const int byte : {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb}) {
        payload.push_back(static_cast<std::uint8_t>(byte));
    }
    for (const int byte : {0x00, 0x6B, 0x49, 0xD2, 0x00}) payload.push_back(static_cast<std::uint8_t>(byte));
    for (const char c : std::string{"\3pro\1r\2ww"}) payload.push_back(static_cast<std::uint8_t>(c));
    EXPECT_EQ(codec.issue({id, "pro", 1'800'000'000, {"r", "ww"}}), signed_key(payload));
}

TEST(KeyCodec, ATypicalKeyIsShort) {
    EXPECT_LE(KeyCodec{{secret}}.issue({id, "pro", 1'800'000'000, {"reviews:write"}}).size(), 80u);
}

TEST(KeyCodec, EveryMutationIsRefused) {
    const KeyCodec codec{{secret}};
    const KeyData data{id, "pro", 1'800'000'000, {"reviews:read", "reviews:write"}};
    const auto key = codec.issue(data);
    const auto bytes = bytes_of(key);
    ASSERT_EQ(key_of(bytes), key);

    struct Mutation {
        std::string name;
        std::string key;
    };
    std::vector<Mutation> mutations{
        {"empty", ""},
        {"prefix alone", "slk_"},
        {"no prefix", key.substr(4)},
        {"prefix in capitals", "SLK_" + key.substr(4)},
        {"another prefix", "slx_" + key.substr(4)},
        {"prefix twice", "slk_" + key},
        {"prefix without underscore", "slk" + key.substr(4)},
        {"space before", " " + key},
        {"space after", key + " "},
        {"newline after", key + "\n"},
        {"NUL after", key + std::string(1, '\0')},
        {"NUL within", key.substr(0, 20) + std::string(1, '\0') + key.substr(21)},
        {"quotes around", "\"" + key + "\""},
        {"a digit more", key + "0"},
        {"two digits more", key + "00"},
        {"a block more", key + "00000000000"},
        {"a digit less", key.substr(0, key.size() - 1)},
        {"two digits less", key.substr(0, key.size() - 2)},
        {"half of it", key.substr(0, key.size() / 2)},
        {"a leading zero", "slk_0" + key.substr(4)},
        {"twice", key + key.substr(4)},
        {"too long", "slk_" + std::string(509, '0')},
        {"much too long", "slk_" + std::string(100'000, '0')},
        {"as long as can be, zeros", "slk_" + std::string(508, '0')},
        {"largest digits", "slk_" + std::string(508, 'z')},
        {"first block beyond 64 bits", "slk_zzzzzzzzzzz" + key.substr(15)},
        {"base64url digits", "slk_-_" + key.substr(6)},
        {"not ASCII", "slk_\xC3\xA9" + key.substr(6)},
        {"percent", "slk_%30" + key.substr(7)},
        {"in capitals",
         [&] {
             auto text = key;
             for (auto& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
             return "slk_" + text.substr(4);
         }()},
        {"reversed", "slk_" + std::string(key.rbegin(), key.rend() - 4)},
        {"a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"},
    };
    const auto changed = [&](const std::string& name, const auto& change) {
        auto copy = bytes;
        change(copy);
        mutations.push_back({name, key_of(copy)});
    };
    changed("version 0", [](auto& b) { b[0] = 0; });
    changed("version 2", [](auto& b) { b[0] = 2; });
    changed("another secret's id", [](auto& b) { b[1] ^= 1; });
    changed("another key id", [](auto& b) { b[2] ^= 0x80; });
    changed("expiry a second later", [](auto& b) { ++b[18]; });
    changed("no expiry", [](auto& b) { std::fill(b.begin() + 14, b.begin() + 19, std::uint8_t{0}); });
    changed("another tier", [](auto& b) { b[20] = 'P'; });
    changed("tier length 0", [](auto& b) { b[19] = 0; });
    changed("tier length beyond the end", [](auto& b) { b[19] = 255; });
    changed("tier and first scope joined", [](auto& b) { b[19] = 3 + 1 + 12; });
    changed("another scope", [](auto& b) { b[24] = 'R'; });
    changed("a scope removed", [](auto& b) { b.erase(b.begin() + 23, b.begin() + 23 + 13); });
    changed("a scope added", [](auto& b) { b.insert(b.begin() + 23, {1, 'x'}); });
    changed("scopes swapped", [](auto& b) { std::rotate(b.begin() + 23, b.begin() + 36, b.end() - 16); });
    changed("MAC of zeros", [](auto& b) { std::fill(b.end() - 16, b.end(), std::uint8_t{0}); });
    changed("no MAC", [](auto& b) { b.resize(b.size() - 16); });
    changed("MAC shorter by a byte", [](auto& b) { b.pop_back(); });
    changed("MAC longer by a byte", [](auto& b) { b.push_back(0); });
    changed("MAC alone", [](auto& b) { b.erase(b.begin(), b.end() - 16); });
    ASSERT_GE(mutations.size(), 40u);
    for (const auto& mutation : mutations) {
        ASSERT_NE(mutation.key, key) << mutation.name;
        EXPECT_FALSE(codec.verify(mutation.key, now)) << mutation.name;
    }

    // And every single bit, and every single digit.
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto copy = bytes;
        copy[bit / 8] = static_cast<std::uint8_t>(copy[bit / 8] ^ (1u << bit % 8));
        EXPECT_FALSE(codec.verify(key_of(copy), now)) << "bit " << bit;
    }
    for (std::size_t i = 4; i < key.size(); ++i) {
        for (const char digit : std::string{"09AZaz"}) {
            auto copy = key;
            copy[i] = digit;
            if (copy != key) {
                EXPECT_FALSE(codec.verify(copy, now)) << copy;
            }
        }
    }
    EXPECT_TRUE(codec.verify(key, now));
}

TEST(KeyCodec, EveryPrefixOfAKeyIsRefused) {
    const KeyCodec codec{{secret}};
    const auto key = codec.issue({id, "pro", 0, {"a"}});
    for (std::size_t size = 0; size < key.size(); ++size) EXPECT_FALSE(codec.verify(key.substr(0, size), now)) << size;
}

TEST(KeyCodec, SaysWhyAKeyIsRefused) {
    const KeyCodec codec{{secret}};
    const auto key = codec.issue({id, "pro", 1'700'000'100, {}});
    auto bytes = bytes_of(key);
    EXPECT_EQ(codec.verify("slk_!", now).error(), KeyError::malformed);
    bytes[5] ^= 1;
    EXPECT_EQ(codec.verify(key_of(bytes), now).error(), KeyError::forged);
    bytes[1] ^= 1;
    EXPECT_EQ(codec.verify(key_of(bytes), now).error(), KeyError::unknown_secret);
    EXPECT_EQ(codec.verify(key, at(1'700'000'100)).error(), KeyError::expired);
    EXPECT_EQ(to_string(KeyError::malformed), "malformed");
    EXPECT_EQ(to_string(KeyError::unknown_secret), "unknown_secret");
    EXPECT_EQ(to_string(KeyError::forged), "forged");
    EXPECT_EQ(to_string(KeyError::expired), "expired");
}

TEST(KeyCodec, AGenuineMacDoesNotExcuseAnOddPayload) {
    const KeyCodec codec{{secret}};
    const auto payload = [](std::string_view rest) {
        std::vector<std::uint8_t> bytes(19);
        bytes[0] = 1;
        bytes[1] = id_of(secret);
        for (const char c : rest) bytes.push_back(static_cast<std::uint8_t>(c));
        return bytes;
    };
    using namespace std::string_view_literals;
    EXPECT_TRUE(codec.verify(signed_key(payload("\3pro"sv)), now));
    EXPECT_TRUE(codec.verify(signed_key(payload("\3pro\1a"sv)), now));
    for (const auto rest :
         {""sv, "\0"sv, "\4pro"sv, "\3pro\0"sv, "\3pro\2a"sv, "\3p o"sv, "\3p\0o"sv, "\3pro\1\x80"sv, "\3pro\1\""sv}) {
        const auto verified = codec.verify(signed_key(payload(rest)), now);
        ASSERT_FALSE(verified);
        EXPECT_EQ(verified.error(), KeyError::malformed);
    }
    auto of_the_future = payload("\3pro"sv);
    of_the_future[0] = 2;
    EXPECT_EQ(codec.verify(signed_key(of_the_future), now).error(), KeyError::malformed);
    EXPECT_EQ(codec.verify(signed_key({1, id_of(secret)}), now).error(), KeyError::malformed);
}

TEST(KeyCodec, ExpiryEdges) {
    const KeyCodec codec{{secret}};
    const auto key = codec.issue({id, "pro", 1'700'000'000, {}});
    EXPECT_TRUE(codec.verify(key, at(0)));
    EXPECT_TRUE(codec.verify(key, at(1'699'999'999)));
    EXPECT_TRUE(codec.verify(key, at(1'700'000'000) - std::chrono::nanoseconds{1}));
    EXPECT_FALSE(codec.verify(key, at(1'700'000'000)));
    EXPECT_FALSE(codec.verify(key, at(4'000'000'000)));
    const auto forever = codec.issue({id, "pro", 0, {}});
    EXPECT_TRUE(codec.verify(forever, system_clock::time_point::max()));
    const auto last = codec.issue({id, "pro", (std::int64_t{1} << 40) - 1, {}});
    EXPECT_TRUE(codec.verify(last, now)) << "the clock's range is smaller than the key's";
    EXPECT_TRUE(codec.verify(last, at(9'000'000'000)));
}

TEST(KeyCodec, ChecksWithRotatedSecrets) {
    const KeyCodec before{{secret}};
    const KeyCodec during{{another_secret, secret}};
    const KeyCodec after{{another_secret}};
    const auto old_key = before.issue({id, "pro", 0, {}});
    const auto new_key = during.issue({id, "pro", 0, {}});
    EXPECT_TRUE(during.verify(old_key, now));
    EXPECT_TRUE(during.verify(new_key, now));
    EXPECT_TRUE(after.verify(new_key, now)) << "the first secret makes the keys";
    EXPECT_EQ(after.verify(old_key, now).error(), KeyError::unknown_secret);
    EXPECT_EQ(before.verify(new_key, now).error(), KeyError::unknown_secret);
}

TEST(KeyCodec, AnotherSecretOfTheSameIdIsForgery) {
    std::string twin;
    for (int i = 0; twin.empty(); ++i) {
        const auto candidate = "a secret of the same id " + std::to_string(i);
        if (id_of(candidate) == id_of(secret)) twin = candidate;
    }
    const auto key = KeyCodec{{twin}}.issue({id, "pro", 0, {}});
    EXPECT_EQ(KeyCodec{{secret}}.verify(key, now).error(), KeyError::forged);

    const auto message = message_of([&] { KeyCodec{{another_secret, secret, twin}}; });
    EXPECT_THAT(message, HasSubstr("key secrets 2 and 3 have the same id"));
    EXPECT_THAT(message, Not(HasSubstr(twin)));
    EXPECT_THAT(message_of([&] { KeyCodec{{secret, secret}}; }), HasSubstr("key secrets 1 and 2"));
}

TEST(KeyCodec, RefusesShortSecrets) {
    EXPECT_THAT(message_of([] {
                    KeyCodec{{secret, std::string(15, 'x')}};
                }),
                HasSubstr("key secret 2 has less than 16 bytes"));
    EXPECT_THAT(message_of([] { KeyCodec{{""}}; }), HasSubstr("key secret 1 has less than 16 bytes"));
    EXPECT_NO_THROW(KeyCodec{{std::string(16, 'x')}});
    EXPECT_NO_THROW(KeyCodec{{std::string(1000, 'x')}});
}

TEST(KeyCodec, WithoutSecretsNothingVerifies) {
    const KeyCodec none{{}};
    EXPECT_EQ(none.verify(KeyCodec{{secret}}.issue({id, "pro", 0, {}}), now).error(), KeyError::unknown_secret);
    EXPECT_THAT(message_of([&] { none.issue({id, "pro", 0, {}}); }), HasSubstr("no key secret is configured"));
}

TEST(KeyCodec, IssuesOnlyWhatVerifies) {
    const KeyCodec codec{{secret}};
    const KeyData bad[] = {
        {"", "pro", 0, {}},
        {id.substr(1), "pro", 0, {}},
        {id + "00", "pro", 0, {}},
        {"00112233445566778899AABB", "pro", 0, {}},
        {"00112233445566778899aabg", "pro", 0, {}},
        {id, "", 0, {}},
        {id, "two words", 0, {}},
        {id, "t\xC3\xA9", 0, {}},
        {id, std::string(256, 't'), 0, {}},
        {id, "pro", -1, {}},
        {id, "pro", std::int64_t{1} << 40, {}},
        {id, "pro", 0, {""}},
        {id, "pro", 0, {"a", "b c"}},
        {id, "pro", 0, {"back\\slash"}},
        {id, "pro", 0, {std::string("a\0b", 3)}},
        {id, "pro", 0, {std::string(200, 'a'), std::string(200, 'b')}},
        {id, "pro", 0, std::vector<std::string>(1000, "s")},
    };
    for (const auto& data : bad) EXPECT_THROW(codec.issue(data), std::invalid_argument) << data.id << ' ' << data.tier;
}

TEST(KeyCodec, TheLongestKeyThatIsIssuedVerifies) {
    const KeyCodec codec{{secret}};
    std::size_t longest = 0;
    for (std::size_t size = 1; size <= 255; ++size) {
        KeyData data{id, std::string(size, 't'), 0, {std::string(80, 's')}};
        try {
            const auto key = codec.issue(data);
            longest = std::max(longest, key.size());
            const auto verified = codec.verify(key, now);
            ASSERT_TRUE(verified);
            ASSERT_EQ(*verified, data);
        } catch (const std::invalid_argument&) {
            break;
        }
    }
    EXPECT_GE(longest, KeyCodec::max_key_length - 2);
}

TEST(KeyCodec, KeyIdsAreRandomHex) {
    std::set<std::string> ids;
    for (int i = 0; i < 1000; ++i) {
        const auto made = generate_key_id();
        EXPECT_EQ(made.size(), 24u);
        EXPECT_EQ(made.find_first_not_of("0123456789abcdef"), made.npos);
        ids.insert(made);
    }
    EXPECT_EQ(ids.size(), 1000u);
}

TEST(KeyCodec, VerifiesOnManyThreadsWithManyCodecs) {
    const KeyCodec one{{secret}};
    const KeyCodec two{{another_secret}};
    const auto first = one.issue({id, "pro", 0, {"a"}});
    const auto second = two.issue({id, "free", 0, {"b"}});
    std::atomic<int> wrong = 0;
    auto work = [&] {
        for (int i = 0; i < 2000; ++i) {
            const auto a = one.verify(first, now);
            const auto b = two.verify(second, now);
            if (!a || a->tier != "pro" || !b || b->tier != "free" || one.verify(second, now)) ++wrong;
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace sluice::auth
