// Whatever is wrong about a secret in the configuration, no output repeats it: the key and the place are named.
#include "support/process.hpp"
#include "support/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Stands in the file, or in the environment as the variable SECRET.
const std::string marker = "s3cr3t-Marker-7f";

struct Mistake {
    std::string yaml;
    std::string named;  // what the message has to say
};

/// `$M` is the marker.
const std::vector<Mistake> mistakes{
    // a value of another kind than the key wants
    {R"(auth: { key_secrets: "${SECRET}" })", "1:22: 'key_secrets' must be a list"},
    {"auth: { key_secrets: $M }", "'key_secrets' must be a list"},
    {"auth: { key_secrets: [[$M]] }", "'key_secrets' must hold texts"},
    {"auth: { key_secrets: { $M: 1 } }", "'key_secrets' must be a list"},
    {"auth: { key_secrets: { $M: 1, $M: 2 } }", "duplicate key"},
    {"auth: { key_secrets: [$M, $M] }", "listed twice"},
    {"auth: { key_secrets: [$M, short] }", "1:22: key secret 2 has less than 16 bytes"},
    {"auth: $M", "'auth' must be a mapping"},
    {"auth: { $M: 1 }", "unknown key"},
    {"auth: [ $M ]", "'auth' must be a mapping"},
    {"server: { admin_token: [$M] }", "'admin_token' must be a text"},
    {"server: { admin_token: { token: $M } }", "'admin_token' must be a text"},
    {"server: { admin: $M }", "'admin' must be host:port"},
    {R"(server: { admin: "${SECRET}" })", "'admin' must be host:port"},
    {R"(server: { listen: "${SECRET}" })",
     "'listen' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not the value of "
     "${SECRET}"},
    {R"(server: { threads: "${SECRET}" })", "'threads'"},
    {R"(server: { trusted_proxies: ["${SECRET}"] })", "a trusted proxy"},
    {R"(server: { trusted_proxies: "postgresql://u:$M@h/d" })", "'trusted_proxies'"},
    {R"(server: { listen: "redis://:$M@h" })", "'listen'"},
    {R"(server: "${SECRET}")", "'server' must be a mapping"},
    {"server: $M", "'server' must be a mapping"},
    {"$M", "the configuration must be a mapping"},
    {R"(log: { level: "${SECRET}" })", "'level'"},
    {R"(log: { level: "${SECRET}x" })", "'level'"},
    {"server: { admin_token: *$M }", "YAML"},
    {"server: { admin_token: \"$M }", "YAML"},
    {"server: { admin_token:$M }", "a space is missing behind the ':' of the key 'admin_token'"},
    {"postgres: { primary:postgresql://u:$M@h/d }", "a space is missing behind the ':' of the key 'primary'"},
    {"auth: { <<: $M }", "'<<' takes a mapping"},
    // tokens
    {"auth: { jwt: $M }", "'jwt' must be a mapping"},
    {"auth: { jwt: { issuer: i, audience: a, hs256_secret: $M } }", "'hs256_secret'"},
    {"auth: { jwt: { issuer: i, audience: a, hs256_secret: [$M] } }", "'hs256_secret'"},
    {R"(auth: { jwt: { issuer: i, audience: a, jwks_file: "${SECRET}" } })", "'jwks_file'"},
    {R"(auth: { jwt: { issuer: i, audience: a, jwks_file: '{"keys":[{"k":"$M"}]}' } })", "'jwks_file'"},
    {"auth: { jwt: { issuer: i, audience: a, jwks_url: 'https://u:$M@h/' } }", "'jwks_url'"},
    {"auth: { jwt: { issuer: i, audience: a, jwks_url: 'https://h:$M/' } }", "'jwks_url'"},
    {"auth: { jwt: { issuer: i, audience: a, jwks_url: '$M' } }", "'jwks_url'"},
    {"auth: { jwt: { issuer: i, audience: { x: $M }, hs256_secret: [] } }", "'audience'"},
    // PostgreSQL
    {"postgres: $M", "'postgres' must be a mapping"},
    {"postgres: postgresql://u:$M@h/d", "'postgres' must be a mapping"},
    {"postgres: { primary: [$M] }", "'primary' must be a text"},
    {"postgres: { primary: $M }", "'primary' must begin with postgresql://"},
    {"postgres: { primary: 'mysql://u:$M@h/d' }", "'primary' must begin with postgresql://"},
    {"postgres: { primary: 'postgresql://app:pa%zz$M@127.0.0.1/db' }", "1:22: 'primary' has a '%'"},
    {R"(postgres: { primary: "postgresql://app:${SECRET}%@127.0.0.1/db" })", "1:22: 'primary' has a '%'"},
    {"postgres: { primary: 'postgresql://app:pa@$M@127.0.0.1/db' }", "'primary' has an '@'"},
    {"postgres: { primary: 'postgresql://app:pa/$M@127.0.0.1/db' }", "'primary' has an '@'"},
    {"postgres: { primary: 'postgresql://app:$M/pa@127.0.0.1/db' }", "'primary' has an '@'"},
    {"postgres: { primary: 'postgresql://app:pw@127.0.0.1:$M/db' }", "'primary' has a port"},
    {"postgres: { primary: 'postgresql://app:pw@127.0.0.1:99999/$M' }", "'primary' has a port"},
    {"postgres: { primary: 'postgresql://app:pw@[::1/$M' }", "'primary' cannot be read"},
    {"postgres: { primary: 'postgresql://h/db?$M=1' }", "'primary' has an option"},
    {"postgres: { primary: 'postgresql://h/db?$M' }", "'primary' cannot be read"},
    {"postgres: { primary: 'postgresql://h/db?sslmode=$M' }", "'primary' has a 'sslmode'"},
    {"postgres: { primary: 'postgresql://h/db?connect_timeout=$M' }", "'primary' has a 'connect_timeout'"},
    {"postgres: { primary: 'host=h password=pa $M' }", "'primary' is not of libpq's form"},
    {"postgres: { primary: \"host=h password='$M\" }", "'primary' has a quote"},
    {"postgres: { primary: 'host=h passwort=$M' }", "'primary' has an option"},
    {"postgres: { primary: 'host=h port=$M' }", "'primary' has a port"},
    {"postgres: { primary: 'host=h', replicas: [$M] }", "a replica must be a mapping"},
    {R"(postgres: { primary: 'host=h', replicas: ["postgresql://u:$M@h/d"] })", "a replica must be a mapping"},
    {R"(postgres: { primary: 'host=h', replicas: "${SECRET}" })", "'replicas' must be a list"},
    {R"(postgres: { primary: 'host=h', replicas: "postgresql://u:$M@h/d" })", "'replicas' must be a list"},
    {"postgres: { primary: 'host=h', replicas: [{ url: 'postgresql://u:%g$M@h/d' }] }", "1:50: 'url' has a '%'"},
    {"postgres: { primary: 'host=h', replicas: [{ url: [$M] }] }", "'url' must be a text"},
    {"postgres: { primary: 'host=h', pool: 'postgresql://u:$M@h/d' }", "'pool'"},
    // Redis
    {"redis: 'redis://:$M@h'", "'redis' must be a mapping"},
    {"redis: { url: [$M] }", "'url' must be a text"},
    {"redis: { url: $M }", "'url' must read redis://"},
    {"redis: { url: 'redis://$M@h' }", "'url' cannot be used"},
    {"redis: { url: 'redis://:$M%@h' }", "'url' cannot be used"},
    {"redis: { url: 'redis://h:$M' }", "'url' must read redis://"},
    {"redis: { url: 'redis://h/$M' }", "'url' must read redis://"},
    {"redis: { url: 'rediss://:$M@h' }", "TLS to Redis"},
    {"redis: { url: 'redis://h', cache_url: 'redis://:$M%@h' }", "'cache_url' cannot be used"},
    {R"(redis: { url: 'redis://h', prefix: "redis://:${SECRET}@h" })", "'prefix'"},
    {R"(redis: { url: 'redis://h', timeout: "${SECRET}" })", "'timeout'"},
};

std::string with_marker(std::string text) {
    for (auto at = text.find("$M"); at != std::string::npos; at = text.find("$M")) text.replace(at, 2, marker);
    return text;
}

}  // namespace

TEST(SecretMistakes, NoOutputRepeatsASecret) {
    const TemporaryDirectory directory;
    const std::map<std::string, std::string> environment{{"SECRET", marker}};
    for (const auto& [yaml, named] : mistakes) {
        const auto file = directory.write("api.yaml", with_marker(yaml) + "\n").string();
        for (const auto* command : {"check", "serve"}) {
            const auto result = run_command({sluice_program(), command, "--config", file}, environment);
            EXPECT_EQ(result.exit_code, 1) << yaml;
            EXPECT_THAT(result.err, HasSubstr("api.yaml:1:")) << yaml << ": the place";
            EXPECT_THAT(result.err, HasSubstr(named)) << yaml;
            EXPECT_THAT(result.out + result.err, Not(HasSubstr(marker))) << yaml;
            EXPECT_THAT(result.out + result.err, Not(HasSubstr("arker-7f"))) << yaml << ": a part of it";
        }
    }
}

}  // namespace sluice::test
