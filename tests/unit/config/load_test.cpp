// The whole file: sections, environment, includes, YAML itself.
#include "config_files.hpp"
#include "postgres/connection/pooler.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace sluice::config {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LoadSettings, EmptyFileGivesTheDefaults) {
    for (const auto* text : {"", "# nothing\n", "---\n", "null\n"}) {
        const auto settings = load_text(text);
        EXPECT_EQ(settings.server.listen, "127.0.0.1:8080");
        EXPECT_EQ(settings.server.min_rate, 1024u);
        EXPECT_EQ(settings.tiers.at("pro").limits.at(0).requests, 10'000u);
        EXPECT_FALSE(settings.postgres || settings.redis);
        EXPECT_THAT(settings.routes, IsEmpty());
    }
}

TEST(LoadSettings, TheMinimumRateIsASizePerSecond) {
    EXPECT_EQ(load_text("server: { min_rate: 0 }\n").server.min_rate, 0u);
    const auto mistakes = mistakes_in("server: { min_rate: 1KiB/s }\n");
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(mistakes[0], HasSubstr("'min_rate'"));
}

TEST(LoadSettings, APoolerIsToldWithEachAddress) {
    const auto with = [](const std::string& pooler) {
        return "postgres: { primary: postgresql://a/b, replicas: [ { url: host=c } ], pooler: " + pooler + " }\n";
    };
    const auto settings = load_text(with("transaction"));
    EXPECT_TRUE(postgres::is_behind_pooler(settings.postgres->primary));
    EXPECT_EQ(postgres::without_pooler(settings.postgres->primary), "postgresql://a/b");
    EXPECT_TRUE(postgres::is_behind_pooler(settings.postgres->replicas.at(0).url));
    EXPECT_EQ(load_text(with("none")).postgres->primary, "postgresql://a/b");
    const auto mistakes = mistakes_in(with("transactoin"));
    ASSERT_THAT(mistakes, SizeIs(1));
    EXPECT_THAT(mistakes[0], HasSubstr("transaction"));
}

TEST(LoadSettings, ReadsEverySection) {
    ConfigFiles files;
    files.set("PRIMARY", "postgresql://sluice:secret@localhost:5432/world");
    files.set("SECRET", "s3cret");
    files.write("c.yaml", R"(
server:
  listen: ${LISTEN:-0.0.0.0:80}
  admin: ${ADMIN:-}
  admin_token: "${SECRET}"
  threads: 4
  trusted_proxies: [10.0.0.0/8, "::1"]
  min_rate: 4KiB
  limits: { body: 2MiB, header: 16KiB, target: 4096, connections: 100 }
  timeouts: { header: 1s, body: 2s, request: 3s, idle: 4s, grace: 5s, drain: 1m }
log: { level: warning, access: off }
postgres:
  primary: ${PRIMARY}
  replicas: [ { url: "${REPLICA_1:-}" }, { url: "host=b dbname=x", weight: 3 } ]
  pool: 4
  timeout: 1s
  max_lag: 250ms
redis: { url: "redis://:pw@127.0.0.1:6379/2", cache_url: "redis://copies:6380", timeout: 20ms, prefix: blue-1 }
cache: { l1_bytes: 1GiB }
auth: { key_secrets: [ "${SECRET}", "${OLD:-}" ] }
tiers:
  pro: { requests: 5 }
  gold: { requests: 7, window: 2m, on_redis_failure: closed }
  silver: [ { requests: 10, window: 1s }, { requests: 1000, window: 1d } ]
rate_limit: { strategy: log, expected_instances: 4 }
)");
    const auto settings = files.load();
    EXPECT_EQ(settings.server.listen, "0.0.0.0:80");
    EXPECT_EQ(settings.server.admin, "");
    EXPECT_EQ(settings.server.admin_token, "s3cret");
    EXPECT_EQ(settings.server.threads, 4u);
    EXPECT_THAT(settings.server.trusted_proxies, ElementsAre("10.0.0.0/8", "::1/128"));
    EXPECT_EQ(settings.server.min_rate, 4096u);
    EXPECT_EQ(settings.server.limits.body, 2u << 20);
    EXPECT_EQ(settings.server.limits.header, 16u << 10);
    EXPECT_EQ(settings.server.limits.target, 4096u);
    EXPECT_EQ(settings.server.limits.connections, 100u);
    EXPECT_EQ(settings.server.timeouts.header, 1s);
    EXPECT_EQ(settings.server.timeouts.body, 2s);
    EXPECT_EQ(settings.server.timeouts.request, 3s);
    EXPECT_EQ(settings.server.timeouts.idle, 4s);
    EXPECT_EQ(settings.server.timeouts.grace, 5s);
    EXPECT_EQ(settings.server.timeouts.drain, 60s);
    EXPECT_EQ(settings.log.level, LogLevel::warning);
    EXPECT_EQ(settings.log.access, AccessLog::off);
    ASSERT_TRUE(settings.postgres);
    EXPECT_EQ(settings.postgres->primary, "postgresql://sluice:secret@localhost:5432/world");
    ASSERT_THAT(settings.postgres->replicas, SizeIs(1));
    EXPECT_EQ(settings.postgres->replicas[0].url, "host=b dbname=x");
    EXPECT_EQ(settings.postgres->replicas[0].weight, 3u);
    EXPECT_EQ(settings.postgres->pool, 4u);
    EXPECT_EQ(settings.postgres->timeout, 1s);
    EXPECT_EQ(settings.postgres->max_lag, 250ms);
    ASSERT_TRUE(settings.redis);
    EXPECT_EQ(settings.redis->url, "redis://:pw@127.0.0.1:6379/2");
    EXPECT_EQ(settings.redis->timeout, 20ms);
    EXPECT_EQ(settings.redis->prefix, "blue-1");
    EXPECT_EQ(settings.redis->cache_url, "redis://copies:6380");
    EXPECT_EQ(settings.cache.l1_bytes, 1u << 30);
    EXPECT_THAT(settings.auth.key_secrets, ElementsAre("s3cret"));
    EXPECT_EQ(settings.tiers.at("pro").limits.at(0).requests, 5u);
    EXPECT_EQ(settings.tiers.at("pro").limits.at(0).window, 60s);
    EXPECT_EQ(settings.tiers.at("gold").limits.at(0).window, 2min);
    EXPECT_EQ(settings.tiers.at("gold").on_redis_failure, OnRedisFailure::closed);
    ASSERT_THAT(settings.tiers.at("silver").limits, SizeIs(2));
    EXPECT_EQ(settings.tiers.at("silver").limits[1].window, 24h);
    EXPECT_EQ(settings.rate_limit.strategy, RateLimitSettings::Strategy::log);
    EXPECT_EQ(settings.rate_limit.expected_instances, 4u);
    EXPECT_THAT(settings.tiers, SizeIs(6));
}

TEST(LoadSettings, ReportsFiveDifferentMistakesAtTheirLines) {
    EXPECT_THAT(mistakes_in(R"(server:
  listen: nowhere
log: { levl: info }
postgres:
  primary: postgresql://localhost/world
  timeout: 5
routes:
  GET /cities/{id}:
    params: { id: integer }
    sql: select * from city where id = :idd
    cache: { tll: 300s }
)"),
                ElementsAre("c.yaml:2:11: 'listen' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not 'nowhere'",
                            "c.yaml:3:8: unknown key 'levl', did you mean 'level'?",
                            "c.yaml:6:12: 'timeout' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '5'",
                            "c.yaml:10:40: unknown parameter ':idd', did you mean ':id'?",
                            "c.yaml:11:14: unknown key 'tll', did you mean 'ttl'?"));
}

TEST(LoadSettings, ReportsWhatASectionCannotMean) {
    expect_mistakes({
        {"sever: {}", {"c.yaml:1:1: unknown key 'sever', did you mean 'server'?"}},
        {"gateways: {}", {"c.yaml:1:1: unknown key 'gateways'"}},
        {"rabbitmq: {}", {"c.yaml:1:1: unknown key 'rabbitmq'"}},
        {"auth: { jtw: {} }", {"c.yaml:1:9: unknown key 'jtw', did you mean 'jwt'?"}},
        {"- a", {"c.yaml:1:1: the configuration must be a mapping, not a list"}},
        {"server:", {"c.yaml:1:1: 'server' must be a mapping, not nothing"}},
        {"server: { threads: -1 }", {"c.yaml:1:20: 'threads' must be a whole number from 0 to 1024, not '-1'"}},
        {"server: { threads: [1] }", {"c.yaml:1:20: 'threads' must be a whole number from 0 to 1024, not a list"}},
        {"server: { listen: '' }",
         {"c.yaml:1:19: 'listen' must be host:port, such as 127.0.0.1:8080 or [::1]:8080, not ''"}},
        {"server: { trusted_proxies: [10.0.0.0/33] }",
         {"c.yaml:1:29: a trusted proxy must be an address block such as 10.0.0.0/8 or fd00::/8, not '10.0.0.0/33'"}},
        {"server: { trusted_proxies: 10.0.0.0/8 }",
         {"c.yaml:1:28: 'trusted_proxies' must be a list, not a text: put it in brackets, '[…]'"}},
        {"server: { limits: { body: 1MB } }", {"c.yaml:1:27: 'body' must be a size such as 64KiB, 1MiB or 4096, not '1MB'"}},
        {"server: { timeouts: { idle: 0s } }", {"c.yaml:1:29: 'idle' must be at least 1ms"}},
        {"log: { access: no }", {"c.yaml:1:16: 'access' must be 'all', 'errors' or 'off', not 'no'"}},
        {"postgres: { pool: 8 }", {"c.yaml:1:11: 'postgres' needs 'primary'"}},
        {"postgres: { primray: x }", {"c.yaml:1:13: unknown key 'primray', did you mean 'primary'?"}},
        {"postgres: { primary: 'mysql://u:secret@h/d' }",
         {"c.yaml:1:22: 'primary' must begin with postgresql://, or be libpq's key=value form"}},
        {"postgres: { primary: '' }", {"c.yaml:1:22: 'primary' is empty"}},
        {"postgres: { primary: 'host=a', replicas: [ { weight: 1 } ] }", {"c.yaml:1:44: a replica needs 'url'"}},
        {"postgres: { primary: 'host=a', replicas: x }",
         {"c.yaml:1:42: 'replicas' must be a list of { url: …, weight: … }, not a text"}},
        {"redis: { url: 'rediss://h:1' }",
         {"c.yaml:1:15: TLS to Redis (rediss://) is not supported; use redis:// on a private network or through a tunnel"}},
        {"redis: { url: 'redis://h:port' }", {"c.yaml:1:15: 'url' must read redis://[:password@]host[:port][/database]"}},
        {"redis: { url: 'redis://h/x' }", {"c.yaml:1:15: 'url' must read redis://[:password@]host[:port][/database]"}},
        {"redis: { url: 'redis://u@h' }",
         {"c.yaml:1:15: 'url' cannot be used: Redis URL: credentials are written ':password@' or 'user:password@'"}},
        {"redis: { url: 'redis://:100%@h' }",
         {"c.yaml:1:15: 'url' cannot be used: Redis URL: a '%' must be followed by two hexadecimal digits (write '%25' for "
          "the sign "
          "itself)"}},
        {"redis: { url: 'redis://h:0' }",
         {"c.yaml:1:15: 'url' cannot be used: Redis URL: the port must be a number from 1 to 65535"}},
        {"redis: { url: 'redis://u:@h' }", {"c.yaml:1:15: 'url' cannot be used: Redis URL: a user needs a password"}},
        {"redis: { url: 'redis://h?x=1' }", {"c.yaml:1:15: 'url' must read redis://[:password@]host[:port][/database]"}},
        {"redis: { url: 'redis://h', cache_url: 'http://h' }",
         {"c.yaml:1:39: 'cache_url' must read redis://[:password@]host[:port][/database]"}},
        {"redis: { url: 'redis://h', cache_url: 'rediss://h' }",
         {"c.yaml:1:39: TLS to Redis (rediss://) is not supported; use redis:// on a private network or through a tunnel"}},
        {"server: { memory: 10KiB, max_answer: 5 }\ncache: { l2_bytes: many }",
         {"c.yaml:1:19: 'memory' must be at least 1048576 bytes", "c.yaml:1:38: 'max_answer' must be at least 1024 bytes",
          "c.yaml:2:20: 'l2_bytes' must be a size such as 64KiB, 1MiB or 4096, not 'many'"}},
        {"redis: { url: 'redis://h', prefix: 'a/b' }",
         {"c.yaml:1:36: 'prefix' must be 1 to 64 letters, digits, '.', '_' or '-'"}},
        {"redis: { url: 'redis://h', prefix: '' }",
         {"c.yaml:1:36: 'prefix' must be 1 to 64 letters, digits, '.', '_' or '-'"}},
        {"redis: { url: 'redis://h', prefix: '{x}' }",
         {"c.yaml:1:36: 'prefix' must be 1 to 64 letters, digits, '.', '_' or '-'"}},
        {"auth: { key_secrets: [a, a] }", {"c.yaml:1:26: this key secret is listed twice"}},
        {"tiers: { gold: { window: 1s } }", {"c.yaml:1:10: tier 'gold' needs 'requests'"}},
        {"tiers: { pro: { requests: 0 } }",
         {"c.yaml:1:27: 'requests' must be a whole number from 1 to 1000000000, not '0'"}},
        {"tiers: { pro: [] }", {"c.yaml:1:15: tier 'pro' is an empty list"}},
        {"tiers: { pro: [ { requests: 1 } ] }", {"c.yaml:1:17: tier 'pro' needs 'window'"}},
        {"tiers: { pro: [ { requests: 1, window: 1s }, { requests: 2, window: 1s } ] }",
         {"c.yaml:1:46: tier 'pro' has two limits with the same window"}},
        {"tiers: { pro: { limits: [ { requests: 1, window: 1s } ], window: 5s } }",
         {"c.yaml:1:66: 'window' goes into 'limits'"}},
        {"tiers: { pro: { window: 32d } }", {"c.yaml:1:25: 'window' must be at most 31d"}},
        {"tiers: { pro: { on_redis_failure: shut } }",
         {"c.yaml:1:35: 'on_redis_failure' must be 'local', 'open' or 'closed', not 'shut'"}},
        {"rate_limit: { strategy: lease }", {"c.yaml:1:25: 'strategy' must be 'leased' or 'log', not 'lease'"}},
        {"tiers: { pro: { burst: 1 } }",
         {"c.yaml:1:17: unknown key 'burst'; known here: 'on_redis_failure', 'limits', 'requests', 'window'"}},
        {"tiers: { pro: { window: 10ms } }", {"c.yaml:1:25: 'window' must be at least 1s"}},
        {"tiers: { 'a b': { requests: 1 } }",
         {"c.yaml:1:10: a tier's name has 1 to 64 letters, digits, '_' or '-', unlike 'a b'"}},
    });
}

TEST(LoadSettings, ConsistencyTokensNeedASecret) {
    const std::string secret = "auth: { key_secrets: [sixteen-bytes-or-more] }\n";
    EXPECT_EQ(load_text("").consistency, ConsistencyMode::off);
    EXPECT_EQ(load_text(secret).consistency, ConsistencyMode::header);
    EXPECT_EQ(load_text(secret + "consistency: cookie").consistency, ConsistencyMode::cookie);
    EXPECT_EQ(load_text(secret + "consistency: off").consistency, ConsistencyMode::off);
    EXPECT_THAT(mistakes_in("consistency: cookie"),
                ElementsAre("c.yaml:1:14: 'consistency' needs 'auth.key_secrets' to sign its tokens"));
    EXPECT_THAT(mistakes_in(secret + "consistency: coookie"),
                ElementsAre(HasSubstr("'consistency' must be 'off', 'header' or 'cookie'")));
}

TEST(LoadSettings, RedisUrlsMayLeaveOutPartsAndAnEmptyOneIsNoRedis) {
    for (const auto* url :
         {"redis://localhost", "redis://localhost:6379", "redis://u:p@localhost/0", "redis://:p@[::1]:6379/3"}) {
        EXPECT_EQ(load_text("redis: { url: '" + std::string{url} + "' }").redis->url, url);
    }
    EXPECT_FALSE(load_text("redis: { url: \"${NO_SUCH_REDIS:-}\" }").redis);
}

TEST(LoadSettings, SecretsAreNeverRepeated) {
    for (const auto& line :
         mistakes_in("postgres: { primary: 'x://u:hunter2@h' , replicas: [ { url: 'y://:hunter2@h' } ] }\n"
                     "redis: { url: 'http://:hunter2@h' }")) {
        EXPECT_THAT(line, ::testing::Not(HasSubstr("hunter2")));
    }
}

TEST(LoadSettings, EnvironmentIsReadAfterParsing) {
    ConfigFiles files;
    files.set("TOKEN", "x }\nlog: { level: debug");
    files.set("EMPTY", "");
    files.set("N", "3");
    files.write("c.yaml",
                "server: { admin_token: \"${TOKEN}-${EMPTY}-${EMPTY:-e}-${NONE:-d}-$${TOKEN}-$5\", threads: \"${N}\" }");
    const auto settings = files.load();
    EXPECT_EQ(settings.server.admin_token, "x }\nlog: { level: debug--e-d-${TOKEN}-$5");
    EXPECT_EQ(settings.server.threads, 3u);
    EXPECT_EQ(settings.log.level, LogLevel::info);
}

TEST(LoadSettings, UnsetVariablesAreNamedOnceAndCauseNothingElse) {
    expect_mistakes({
        {"server: { listen: \"${WHERE}\" }", {"c.yaml:1:19: the environment variable WHERE is not set"}},
        {"postgres: { primary: \"${PG}\" }", {"c.yaml:1:22: the environment variable PG is not set"}},
        {"server: { admin_token: \"${}\" }",
         {"c.yaml:1:24: '${' must be followed by NAME} or NAME:-default}; write '$${' for the characters themselves"}},
    });
}

TEST(LoadSettings, ProcessEnvironmentIsTheDefault) {
    ConfigFiles files;
    files.write("c.yaml", "server: { admin_token: \"${SLUICE_TEST_TOKEN_FOR_SETTINGS}\" }");
    ::setenv("SLUICE_TEST_TOKEN_FOR_SETTINGS", "t", 1);
    EXPECT_EQ(load_settings(files.folder() / "c.yaml").server.admin_token, "t");
    ::unsetenv("SLUICE_TEST_TOKEN_FOR_SETTINGS");
    EXPECT_THROW(load_settings(files.folder() / "c.yaml"), ConfigurationError);
}

TEST(LoadSettings, ReportsDuplicateKeysAtAnyDepth) {
    expect_mistakes({
        {"log: {}\nlog: {}\n", {"c.yaml:2:1: duplicate key 'log', first given in line 1"}},
        {"log:\n  level: info\n  level: debug\n", {"c.yaml:3:3: duplicate key 'level', first given in line 2"}},
        {"? [a]\n: b\n", {"c.yaml:1:3: a key must be a text, not a list"}},
    });
}

TEST(LoadSettings, KnowsAnchorsAndMergeKeys) {
    const auto settings = load_text(R"(
x-slow: &slow { requests: 1, window: 10s }
tiers:
  free: *slow
  pro: { <<: *slow, requests: 2 }
  gold:
    <<: [ { requests: 3 }, *slow ]
)");
    EXPECT_EQ(settings.tiers.at("free").limits.at(0).window, 10s);
    EXPECT_EQ(settings.tiers.at("pro").limits.at(0).requests, 2u);
    EXPECT_EQ(settings.tiers.at("pro").limits.at(0).window, 10s);
    EXPECT_EQ(settings.tiers.at("gold").limits.at(0).requests, 3u);
    EXPECT_EQ(settings.tiers.at("gold").limits.at(0).window, 10s);
    EXPECT_THAT(mistakes_in("log: { <<: 5 }"),
                ElementsAre("c.yaml:1:12: '<<' takes a mapping or a list of mappings, not a text"));
}

TEST(LoadSettings, AMistakeBehindAnAliasIsReportedOnce) {
    EXPECT_THAT(mistakes_in("x-a: &a { window: 5 }\ntiers: { pro: *a, free: *a }\n"),
                ElementsAre("c.yaml:1:19: 'window' must be a duration such as 250ms, 5s, 2m, 1h or 7d, not '5'"));
}

TEST(LoadSettings, AliasesCannotGrowWithoutEnd) {
    std::string text = "x-a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
    for (int i = 1; i < 20; ++i) {
        const auto last = "*a" + std::to_string(i - 1);
        text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 9; ++k) text += last + ", ";
        text += last + "]\n";
    }
    EXPECT_THAT(mistakes_in(text), ElementsAre(HasSubstr("the aliases make the file too large")));
}

TEST(LoadSettings, IncludesRoutesInTheOrderOfTheirNames) {
    ConfigFiles files;
    files.write("c.yaml", "postgres: { primary: 'host=a' }\ninclude: [ 'routes/*.yaml', routes/b.yaml ]\n");
    files.write("routes/b.yaml", "routes: { GET /b: { sql: select 2 } }\n");
    files.write("routes/a.yaml", "routes: { GET /a: { sql: select 1 } }\n");
    const auto settings = files.load();
    ASSERT_THAT(settings.routes, SizeIs(2));
    EXPECT_EQ(settings.routes[0].pattern, "/a");
    EXPECT_EQ(settings.routes[1].pattern, "/b");
    EXPECT_EQ(settings.routes[1].location.file, (files.folder() / "routes/b.yaml").string());
}

TEST(LoadSettings, ReportsMistakesOfAllFilesInTheirOrder) {
    ConfigFiles files;
    files.write(
        "c.yaml",
        "postgres: { primary: 'host=a' }\ninclude: [ 'r/*.yaml', none.yaml ]\nroutes:\n  GET /x/{a}: { sql: select 1 }\n");
    files.write("r/a.yaml", "routes:\n  GET /a: { slq: select 1 }\n");
    files.write("r/b.yaml", "log: {}\nroutes:\n  GET /x/{b}: { sql: select 1 }\n");
    EXPECT_THAT(
        files.mistakes(),
        ElementsAre("c.yaml:2:24: no file matches 'none.yaml'", "r/a.yaml:2:13: unknown key 'slq', did you mean 'sql'?",
                    "r/b.yaml:1:1: an included file holds only 'routes', not 'log'",
                    "r/b.yaml:3:3: the route 'GET /x/{b}' matches the same requests as 'GET /x/{a}' at c.yaml:4:3"));
}

TEST(LoadSettings, NamesFilesAsTheCallerDid) {
    ConfigFiles files;
    files.write("c.yaml", "include: [ 'r/*.yaml' ]\n");
    files.write("r/a.yaml", "x: 1\n");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(files.folder());
    try {
        load_settings("c.yaml");
        ADD_FAILURE() << "expected a mistake";
    } catch (const ConfigurationError& error) {
        EXPECT_STREQ(error.what(), "r/a.yaml:1:1: an included file holds only 'routes', not 'x'");
    }
    std::filesystem::current_path(before);
}

TEST(LoadSettings, SaysWhyAFileCannotBeRead) {
    ConfigFiles files;
    EXPECT_THAT(files.mistakes(), ElementsAre("cannot read 'c.yaml': No such file or directory"));
    files.write("c.yaml/x", "");
    EXPECT_THAT(files.mistakes(), ElementsAre("cannot read 'c.yaml': it is a directory"));
}

TEST(LoadSettings, RoutesNeedPostgres) {
    EXPECT_THAT(mistakes_in("routes: { GET /a: { sql: select 1 } }"),
                ElementsAre("c.yaml:1:11: the routes' SQL needs 'postgres' with a 'primary'"));
}

}  // namespace sluice::config
