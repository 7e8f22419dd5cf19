#include "auth/token_verifier.hpp"
#include "support/token_attacks.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sluice::auth {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::Issuer;
using test::SigningKey;

constexpr std::int64_t now_seconds = 1'700'000'000;
constexpr TokenVerifier::WallTime now{std::chrono::seconds{now_seconds}};

const Issuer& issuer() {
    static const Issuer made{now_seconds};  // RSA keys take a while to make
    return made;
}

JwtRules rules() {
    JwtRules made;
    made.issuer = Issuer::name;
    made.audiences = {"https://unused.example", Issuer::audience};
    return made;
}

KeySet keys_of(const std::string& jwks) {
    auto keys = KeySet::parse(jwks, KeySetOrigin::local);
    if (!keys) throw std::runtime_error{keys.error()};
    return std::move(*keys);
}

KeySet set_of(const std::vector<json>& keys) { return keys_of(json{{"keys", keys}}.dump()); }

class TokenVerifierTest : public ::testing::Test {
protected:
    TokenVerifierTest() { verifier_.replace(keys_of(issuer().jwks())); }
    std::optional<TokenError> error_of(const std::string& token, TokenVerifier::WallTime when = now) {
        const auto result = verifier_.verify(token, when);
        return result ? std::nullopt : std::optional{result.error()};
    }
    TokenVerifier verifier_{rules()};
};

constexpr std::array algorithms{"RS256", "PS256", "ES256", "EdDSA", "HS256"};

}  // namespace

TEST_F(TokenVerifierTest, GenuineTokensOfEachAlgorithmVerify) {
    for (const auto* algorithm : algorithms) {
        for (int twice = 0; twice < 2; ++twice) {  // the second time from memory
            const auto token = issuer().token(algorithm);
            const auto verified = verifier_.verify(token, now);
            ASSERT_TRUE(verified) << algorithm << ": " << to_string(verified.error());
            EXPECT_EQ((*verified)->subject, "alice");
            EXPECT_EQ((*verified)->issuer, Issuer::name);
            EXPECT_EQ((*verified)->tier, "pro");
            EXPECT_EQ((*verified)->scopes, (std::vector<std::string>{"reviews:read", "reviews:write"}));
            EXPECT_EQ((*verified)->json, issuer().claims());
        }
    }
}

TEST_F(TokenVerifierTest, EveryAttackIsRefusedForItsReason) {
    const auto attacks = test::token_attacks(issuer());
    EXPECT_GE(attacks.size(), 100u);
    for (const auto& attack : attacks) {
        const auto error = error_of(attack.token);
        EXPECT_EQ(error, attack.error) << attack.name << ": " << (error ? to_string(*error) : "accepted");
    }
    EXPECT_EQ(verifier_.remembered(), 0u) << "only genuine tokens are remembered";
}

TEST_F(TokenVerifierTest, AnyFlippedBitIsNoticed) {
    for (const auto* algorithm : {"ES256", "HS256"}) {
        const auto token = issuer().token(algorithm);
        for (std::size_t i = 0; i < token.size(); ++i) {
            auto changed = token;
            changed[i] = static_cast<char>(changed[i] ^ 1);
            EXPECT_TRUE(error_of(changed)) << algorithm << " at " << i;
        }
    }
}

TEST_F(TokenVerifierTest, TimesHaveLeewayAndNoMore) {
    const auto at = [](std::int64_t seconds) { return now + std::chrono::seconds{seconds}; };
    const auto token = issuer().token("ES256", {{"exp", now_seconds + 100}, {"nbf", now_seconds}, {"iat", now_seconds}});
    EXPECT_EQ(error_of(token, at(-31)), TokenError::not_yet_valid);
    EXPECT_EQ(error_of(token, at(-30)), std::nullopt);
    EXPECT_EQ(error_of(token, at(129)), std::nullopt);
    EXPECT_EQ(error_of(token, at(130)), TokenError::expired) << "also from memory";
    EXPECT_EQ(verifier_.remembered(), 0u);
    EXPECT_EQ(error_of(token, at(-31)), TokenError::not_yet_valid) << "a clock that was set back";
    const auto issued = issuer().token("ES256", {{"nbf", nullptr}, {"iat", now_seconds}});
    EXPECT_EQ(error_of(issued, at(-31)), TokenError::issued_in_future);
    const auto fraction = issuer().token("ES256", {{"exp", now_seconds + 0.5}, {"nbf", nullptr}, {"iat", nullptr}});
    EXPECT_EQ(error_of(fraction, at(30)), std::nullopt);
    EXPECT_EQ(error_of(fraction, at(31)), TokenError::expired);
    EXPECT_EQ(error_of(issuer().token("ES256", {{"exp", 1e300}})), std::nullopt);
}

TEST_F(TokenVerifierTest, WithoutKeysATokenCannotBeToldButRubbishCan) {
    TokenVerifier verifier{rules()};
    EXPECT_FALSE(verifier.has_keys());
    EXPECT_EQ(verifier.verify(issuer().token("RS256"), now).error(), TokenError::no_keys);
    EXPECT_EQ(verifier.verify("Zm9v", now).error(), TokenError::malformed);
    EXPECT_EQ(verifier.verify(test::signing_input(R"({"alg":"none"})", "{}") + ".", now).error(),
              TokenError::unsupported_algorithm);
}

TEST_F(TokenVerifierTest, RotationTakesEffectAtOnceAlsoForRememberedTokens) {
    const auto old_token = issuer().token("RS256");
    const auto kept_token = issuer().token("ES256");
    ASSERT_EQ(error_of(old_token), std::nullopt);
    ASSERT_EQ(error_of(kept_token), std::nullopt);
    ASSERT_EQ(verifier_.remembered(), 2u);
    const auto new_token = issuer().stranger.token("RS256", issuer().header("RS256", {{"kid", "rsa-2"}}), issuer().claims());
    EXPECT_EQ(error_of(new_token), TokenError::unknown_key);

    verifier_.replace(
        set_of({issuer().stranger.jwk({{"kid", "rsa-2"}}), issuer().ec.jwk({{"kid", "ec-1"}, {"alg", "ES256"}})}));
    EXPECT_EQ(verifier_.remembered(), 1u) << "its key is still there";
    EXPECT_EQ(error_of(kept_token), std::nullopt);
    EXPECT_EQ(error_of(old_token), TokenError::unknown_key);
    EXPECT_EQ(error_of(new_token), std::nullopt);

    verifier_.replace(set_of({issuer().rsa.jwk({{"kid", "rsa-2"}})}));
    EXPECT_EQ(error_of(new_token), TokenError::wrong_signature) << "another key under the same name";
}

TEST_F(TokenVerifierTest, WithoutAKidOnlyASingleCandidateIsTried) {
    const auto nameless = issuer().rsa.token("RS256", R"({"alg":"RS256"})", issuer().claims());
    EXPECT_EQ(error_of(nameless), std::nullopt);
    verifier_.replace(set_of({issuer().rsa.jwk({{"kid", "a"}}), issuer().stranger.jwk({{"kid", "b"}})}));
    EXPECT_EQ(error_of(nameless), TokenError::ambiguous_key);
    verifier_.replace(set_of({issuer().rsa.jwk({{"kid", "a"}}), issuer().stranger.jwk({{"kid", "a"}})}));
    EXPECT_EQ(error_of(issuer().rsa.token("RS256", R"({"alg":"RS256","kid":"a"})", issuer().claims())),
              TokenError::ambiguous_key);
    verifier_.replace(set_of({issuer().rsa.jwk(), issuer().stranger.jwk({{"kid", "b"}})}));
    EXPECT_EQ(error_of(issuer().token("RS256")), std::nullopt) << "a key without a name contradicts no kid";
}

TEST_F(TokenVerifierTest, AKeysAlgBindsIt) {
    verifier_.replace(set_of({issuer().rsa.jwk({{"kid", "rsa-1"}, {"alg", "PS256"}})}));
    EXPECT_EQ(error_of(issuer().token("PS256")), std::nullopt);
    EXPECT_EQ(error_of(issuer().token("RS256")), TokenError::unknown_key);
}

TEST_F(TokenVerifierTest, ClaimsAreReadLenientlyOnlyWhereThatGrantsNothing) {
    const auto claims_of = [&](const json& changes) {
        auto result = verifier_.verify(issuer().token("ES256", changes), now);
        return result ? **result : TokenClaims{};
    };
    EXPECT_EQ(claims_of({{"aud", Issuer::audience}}).subject, "alice") << "a single audience";
    EXPECT_EQ(claims_of({{"tier", nullptr}}).tier, std::nullopt);
    EXPECT_EQ(claims_of({{"tier", 7}}).tier, std::nullopt);
    EXPECT_EQ(claims_of({{"scope", json::array({"a", "b c", 1})}}).scopes, (std::vector<std::string>{"a", "b c"}));
    EXPECT_EQ(claims_of({{"scope", "  a   b "}}).scopes, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(claims_of({{"scope", 1}}).scopes.empty());
    EXPECT_TRUE(claims_of({{"scope", nullptr}}).scopes.empty());
    EXPECT_EQ(claims_of({{"sub", std::string(255, 'x')}}).subject.size(), 255u);
}

TEST_F(TokenVerifierTest, AccessTokensMayNameTheirType) {
    for (const auto* type : {"JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT", "application/JWT"}) {
        EXPECT_EQ(error_of(issuer().token("ES256", json::object(), {{"typ", type}})), std::nullopt) << type;
    }
}

TEST(TokenMemory, IsBoundedAndForgetsTheOldest) {
    TokenVerifier verifier{rules(), 16 * 1024};  // a kilobyte for each of the 16 shards
    verifier.replace(keys_of(issuer().jwks()));
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(verifier.verify(issuer().token("HS256", {{"sub", "user-" + std::to_string(i)}}), now));
    }
    EXPECT_GT(verifier.remembered(), 5u);
    EXPECT_LE(verifier.remembered(), 32u);
}

TEST_F(TokenVerifierTest, ThreadsMayVerifyWhileTheKeysChange) {
    const auto kept = issuer().token("ES256");
    const auto coming_and_going = issuer().token("RS256");
    const auto alone = [] { return set_of({issuer().ec.jwk({{"kid", "ec-1"}})}); };
    std::atomic<bool> over{false};
    std::vector<std::jthread> threads;
    threads.reserve(3);
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            while (!over) {
                EXPECT_TRUE(verifier_.verify(kept, now));
                const auto other = verifier_.verify(coming_and_going, now);
                if (!other) EXPECT_EQ(other.error(), TokenError::unknown_key);
            }
        });
    }
    for (int i = 0; i < 50; ++i) {
        verifier_.replace(alone());
        EXPECT_FALSE(verifier_.verify(coming_and_going, now)) << "once replaced, the key is gone for everyone";
        verifier_.replace(keys_of(issuer().jwks()));
        EXPECT_TRUE(verifier_.verify(coming_and_going, now));
    }
    over = true;
}

TEST(KeySet, RefusesWhatIsNoneAndSaysWhy) {
    const auto error_of = [](const std::string& text, KeySetOrigin origin = KeySetOrigin::local) {
        const auto keys = KeySet::parse(text, origin);
        return keys ? std::string{} : keys.error();
    };
    const auto one = [&](const json& key) { return error_of(json{{"keys", json::array({key})}}.dump()); };
    EXPECT_EQ(error_of("no json"), "it is no JSON object without duplicate names");
    EXPECT_EQ(error_of(R"({"keys":[],"keys":[]})"), "it is no JSON object without duplicate names");
    EXPECT_EQ(error_of(R"({"keys":{}})"), "its 'keys' is no list");
    EXPECT_EQ(error_of(R"({"keys":[]})"), "no key of it is of use");
    EXPECT_EQ(one(issuer().weak.jwk()),
              "no key of it is of use (key 1: RSA with 1024 bits is too weak: 2048 are the least)");
    const auto reason = [&](const json& key) {
        const auto parsed = Jwk::parse(key);
        return parsed ? std::string{} : parsed.error();
    };
    const auto& rsa = issuer().rsa;
    EXPECT_EQ(reason(rsa.jwk({{"use", "enc"}})), "its 'use' is not 'sig'");
    EXPECT_EQ(reason(rsa.jwk({{"use", 1}})), "its 'use' is not 'sig'");
    EXPECT_EQ(reason(rsa.jwk({{"key_ops", "verify"}})), "its 'key_ops' is no list");
    EXPECT_EQ(reason(rsa.jwk({{"key_ops", json::array({"sign"})}})), "its 'key_ops' lacks 'verify'");
    EXPECT_EQ(reason(rsa.jwk({{"alg", "RS512"}})), "its 'alg' is none of RS256, PS256, ES256, EdDSA and HS256");
    EXPECT_EQ(reason(rsa.jwk({{"alg", "HS256"}})), "its 'alg' is none of its 'kty'") << "the confusion, by the key itself";
    EXPECT_EQ(reason(rsa.jwk({{"e", "AQ"}})), "its 'e' is not right") << "1";
    EXPECT_EQ(reason(rsa.jwk({{"e", "Ag"}})), "its 'e' is not right") << "even";
    EXPECT_EQ(reason(rsa.jwk({{"n", "AA"}})), "RSA with 0 bits is too weak: 2048 are the least");
    EXPECT_EQ(reason(rsa.jwk({{"n", "a+b"}})), "its 'n' or 'e' is not right");
    EXPECT_EQ(reason(rsa.jwk({{"kid", 1}})), "its 'kid' is no text");
    EXPECT_EQ(reason(issuer().ec.jwk({{"crv", "P-384"}})), "its 'crv' is not P-256");
    EXPECT_EQ(reason(issuer().ec.jwk({{"x", "AAAA"}})), "its 'x' or 'y' is not right");
    EXPECT_EQ(reason(issuer().ed25519.jwk({{"crv", "X25519"}})), "its 'crv' is not Ed25519");
    EXPECT_EQ(reason({{"kty", "oct"}, {"k", "c2hvcnQ"}}), "a secret for HS256 has at least 32 bytes");
    EXPECT_EQ(reason({{"kty", "foo"}}), "its 'kty' is none of RSA, EC, OKP and oct");
    EXPECT_EQ(reason(7), "it is no JSON object");
    EXPECT_EQ(reason(SigningKey::secret(rsa.public_pem()).jwk()), "the secret is PEM text: a key pair's, not a secret");
    const auto secret = json{{"keys", json::array({issuer().secret.jwk()})}}.dump();
    EXPECT_EQ(error_of(secret), "");
    EXPECT_EQ(error_of(secret, KeySetOrigin::fetched),
              "no key of it is of use (key 1: a symmetric key that others can read is no secret)");
    EXPECT_EQ(error_of(json{{"keys", std::vector<json>(101, rsa.jwk())}}.dump()), "it has more than 100 keys");
}

TEST(KeySet, LeavesOutTheUnusableAndTakesTheRest) {
    const auto keys = keys_of(issuer().jwks());
    EXPECT_EQ(keys.keys().size(), 4u);
    EXPECT_EQ(keys.left_out(),
              (std::vector<std::string>{"key 5: its 'use' is not 'sig'", "key 6: its 'key_ops' lacks 'verify'",
                                        "key 7: RSA with 1024 bits is too weak: 2048 are the least"}));
}

}  // namespace sluice::auth
