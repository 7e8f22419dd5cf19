// What it costs to know who asks: a key, a token that was seen before, a token that was not.
#include "auth/key_codec.hpp"
#include "auth/key_set.hpp"
#include "auth/token_verifier.hpp"
#include "bench/measurement.hpp"
#include "support/signing_key.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr auto now = std::chrono::system_clock::time_point{std::chrono::seconds{1'000}};

void verify_key(benchmark::State& state) {
    const auth::KeyCodec codec{{"a secret of more than 16 bytes"}};
    const auto key = codec.issue({auth::generate_key_id(), "enterprise", 2'000, {"reviews:write"}});
    for (auto _ : state) {
        auto data = codec.verify(key, now);
        if (!data) state.SkipWithError("the key is refused");
        benchmark::DoNotOptimize(data);
    }
}

/// `memory`: 0 remembers nothing, so that every verification is the first.
void verify_tokens(benchmark::State& state, const test::SigningKey& key, std::string_view algorithm, std::size_t memory) {
    auth::JwtRules rules;
    rules.issuer = "https://id.example.com";
    rules.audiences = {"https://api.example.com"};
    auth::TokenVerifier verifier{std::move(rules), memory};
    auto keys = auth::KeySet::parse(key.jwk({{"kid", "k"}, {"alg", algorithm}}).dump(), auth::KeySetOrigin::local);
    if (!keys) return state.SkipWithError("the key set is refused");
    verifier.replace(std::move(*keys));
    const nlohmann::json header{{"alg", algorithm}, {"kid", "k"}, {"typ", "JWT"}};
    const nlohmann::json claims{{"iss", "https://id.example.com"},
                                {"aud", "https://api.example.com"},
                                {"sub", "9f1c3a52-7d0e-4b7e-8a51-3c2f6f0b9d11"},
                                {"exp", 2'000},
                                {"iat", 900},
                                {"tier", "pro"},
                                {"scope", "reviews:read reviews:write"}};
    const auto token = key.token(algorithm, header.dump(), claims.dump());
    if (!verifier.verify(token, now)) return state.SkipWithError("the token is refused");
    for (auto _ : state) {
        auto found = verifier.verify(token, now);
        benchmark::DoNotOptimize(found);
    }
    if (verifier.remembered() != (memory > 0 ? 1U : 0U)) state.SkipWithError("not what was to be measured");
}

void token_remembered(benchmark::State& state) {
    verify_tokens(state, test::SigningKey::rsa(), "RS256", auth::TokenVerifier::default_memory);
}
void token_rs256(benchmark::State& state) { verify_tokens(state, test::SigningKey::rsa(), "RS256", 0); }
void token_es256(benchmark::State& state) { verify_tokens(state, test::SigningKey::ec(), "ES256", 0); }

const std::vector<benchmark::internal::Benchmark*> registered{
    measure("API key verified", {"ns", 1'000}, verify_key)->Iterations(300'000)->Repetitions(5),
    measure("token remembered", {"ns", {}}, token_remembered)->Iterations(300'000)->Repetitions(5),
    measure("token verified anew, RS256 (2048 bits)", {"ns", {}}, token_rs256)->Iterations(3'000)->Repetitions(5),
    measure("token verified anew, ES256", {"ns", {}}, token_es256)->Iterations(3'000)->Repetitions(5),
};

}  // namespace
}  // namespace sluice::bench
