// `postgres`, `redis` and `cache`. URLs hold passwords, so no message repeats one.
#include "config/address.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "postgres/connection/pooler.hpp"
#include "postgres/connection/url_check.hpp"
#include "redis/url.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

void check_postgres_url(const std::string& url, std::string_view key, Section& section) {
    if (const auto complaint = sluice::postgres::complaint_about_url(url); !complaint.empty())
        section.fail(*section.find(key), "'" + std::string{key} + "' " + complaint);
}

ReplicaSettings read_replica(const Node& node, Mistakes& mistakes) {
    ReplicaSettings replica;
    Section section{node, "a replica", mistakes};
    section.require("url", "a replica needs 'url'");
    if (auto url = section.text("url")) {
        if (!url->empty()) check_postgres_url(*url, "url", section);
        replica.url = std::move(*url);
    }
    assign(replica.weight, section.count("weight", 1, 1'000));
    section.finish();
    return replica;
}

// redis://[[user]:password@]host[:port][/database]
bool is_redis_url(std::string_view url) {
    constexpr std::string_view scheme = "redis://";
    if (!url.starts_with(scheme)) return false;
    url.remove_prefix(scheme.size());
    const auto slash = url.rfind('/');
    const auto at = url.rfind('@');
    auto host = url.substr(at == std::string_view::npos ? 0 : at + 1);
    if (slash != std::string_view::npos && (at == std::string_view::npos || slash > at)) {
        const auto database = url.substr(slash + 1);
        if (!std::all_of(database.begin(), database.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
        host = host.substr(0, host.size() - database.size() - 1);
    }
    return is_host_port(host) || is_host_port(std::string{host} + ":6379");
}

// As the client reads it, so that nothing passes here that fails at the start.
void check_redis_url(std::string_view url, const std::string& name, Section& section, const Node& place) {
    try {
        static_cast<void>(redis::parse_url(url));
    } catch (const std::invalid_argument& error) {
        section.fail(place, name + " cannot be used: " + std::string{error.what()});
    }
}

// It stands in the names of keys, where `/`, `:` and braces have a meaning.
bool is_key_prefix(std::string_view text) {
    constexpr std::size_t longest = 64;
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

}  // namespace

PostgresSettings read_postgres(const Node& node, Mistakes& mistakes) {
    PostgresSettings postgres;
    Section section{node, "'postgres'", mistakes};
    section.require("primary", "'postgres' needs 'primary'");
    if (auto primary = section.text("primary")) {
        if (primary->empty()) {
            section.fail(*section.find("primary"), "'primary' is empty");
        } else {
            check_postgres_url(*primary, "primary", section);
        }
        postgres.primary = std::move(*primary);
    }
    if (const auto* replicas = section.find("replicas")) {
        if (!replicas->is(Node::Kind::sequence)) {
            section.fail(*replicas, "'replicas' must be a list of { url: …, weight: … }, not " + describe_kind(*replicas));
        }
        for (const auto& item : replicas->items) {
            auto replica = read_replica(item, mistakes);
            if (!replica.url.empty()) postgres.replicas.push_back(std::move(replica));
        }
    }
    assign(postgres.pool, section.count("pool", 1, 1'000));
    assign(postgres.timeout, section.duration("timeout", 1ms));
    assign(postgres.max_lag, section.duration("max_lag", 1ms));
    const auto pooled = section.choice<bool>("pooler", {{"none", false}, {"transaction", true}});
    section.finish();
    if (pooled.value_or(false)) {
        postgres.primary = sluice::postgres::behind_pooler(postgres.primary);
        for (auto& replica : postgres.replicas) replica.url = sluice::postgres::behind_pooler(replica.url);
    }
    return postgres;
}

// Empty: there is none, or none of use.
std::string read_redis_url(Section& section, std::string_view key) {
    auto url = section.text(key);
    if (!url) return {};
    const auto& place = *section.find(key);
    const auto name = "'" + std::string{key} + "'";
    if (url->starts_with("rediss://")) {
        section.fail(place,
                     "TLS to Redis (rediss://) is not supported; use redis:// on a private network or through a tunnel");
    } else if (!url->empty() && !is_redis_url(*url)) {
        section.fail(place, name + " must read redis://[:password@]host[:port][/database]");
    } else if (!url->empty()) {
        check_redis_url(*url, name, section, place);
    }
    return std::move(*url);
}

std::optional<RedisSettings> read_redis(const Node& node, Mistakes& mistakes) {
    RedisSettings redis;
    Section section{node, "'redis'", mistakes};
    section.require("url", "'redis' needs 'url'");
    redis.url = read_redis_url(section, "url");
    redis.cache_url = read_redis_url(section, "cache_url");
    assign(redis.timeout, section.duration("timeout", 1ms));
    if (auto prefix = section.text("prefix")) {
        if (!is_key_prefix(*prefix))
            section.fail(*section.find("prefix"), "'prefix' must be 1 to 64 letters, digits, '.', '_' or '-'");
        redis.prefix = std::move(*prefix);
    }
    section.finish();
    return redis.url.empty() ? std::nullopt : std::optional{std::move(redis)};
}

CacheSettings read_cache(const Node& node, Mistakes& mistakes) {
    CacheSettings cache;
    Section section{node, "'cache'", mistakes};
    assign(cache.l1_bytes, section.size("l1_bytes", 0));
    assign(cache.l2_bytes, section.size("l2_bytes", 0));
    section.finish();
    return cache;
}

}  // namespace sluice::config
