#include "config/jwt_section.hpp"

#include "auth/jwk.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "upstream/url.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* one_source = "exactly one of 'jwks_file', 'jwks_url' and 'hs256_secret'";

/// A text that must not be empty.
void read_text(Section& section, std::string_view key, std::string& target) {
    auto text = section.text(key);
    if (!text) return;
    if (text->empty()) section.fail(*section.find(key), "'" + std::string{key} + "' is empty");
    target = std::move(*text);
}

/// A text or a list of texts.
std::vector<std::string> read_audiences(Section& section) {
    const auto* node = section.find("audience");
    if (!node) return {};
    std::vector<std::string> audiences;
    if (node->is(Node::Kind::scalar)) {
        audiences.push_back(node->text);
    } else if (node->is(Node::Kind::sequence)) {
        for (const auto* item : section.list("audience")) audiences.push_back(item->text);
        if (audiences.empty()) section.fail(*node, "'audience' is empty");
    } else {
        section.fail(*node, "'audience' must be a text or a list of texts, not " + describe_kind(*node));
    }
    for (const auto& audience : audiences) {
        if (audience.empty()) section.fail(*node, "'audience' is empty");
    }
    return audiences;
}

/// An empty source is what an unset variable with an empty default makes: none.
void read_key_source(Section& section, const std::filesystem::path& folder, JwtSettings& jwt) {
    std::size_t given = 0;
    bool named = false;
    const auto take = [&](std::string_view key) -> std::string {
        auto text = section.text(key).value_or("");
        named = named || section.has(key);
        if (text.empty()) return text;
        jwt.keys_location = section.find(key)->location;
        if (++given > 1)
            section.fail(*section.find(key), "'" + std::string{key} + "' is one too many: 'jwt' needs " + one_source);
        return text;
    };
    if (const auto file = take("jwks_file"); !file.empty()) jwt.jwks_file = folder / file;
    jwt.jwks_url = take("jwks_url");
    jwt.hs256_secret = take("hs256_secret");
    if (given == 0 && named)
        section.mistakes().add(section.location(), "'jwt' needs " + std::string{one_source} + ": what it names is empty");
    if (!named) section.require("jwks_url", "'jwt' needs " + std::string{one_source});

    if (!jwt.jwks_url.empty()) {
        const auto url = upstream::parse_url(jwt.jwks_url);
        if (!url) section.fail(*section.find("jwks_url"), "'jwks_url' " + url.error());
    }
    if (!jwt.hs256_secret.empty()) {
        const auto key = auth::Jwk::from_secret(jwt.hs256_secret);
        if (!key) section.fail(*section.find("hs256_secret"), "'hs256_secret': " + key.error());
    }
}

JwtSettings read_issuer(const Node& node, const SourceLocation& place, const std::filesystem::path& folder,
                        Mistakes& mistakes) {
    JwtSettings jwt;
    Section section{node, "'jwt'", mistakes};
    section.require("issuer", "'jwt' needs 'issuer': tokens of anyone else are refused");
    section.require("audience", "'jwt' needs 'audience': tokens made for other services are refused");
    read_text(section, "issuer", jwt.issuer);
    jwt.audiences = read_audiences(section);
    read_key_source(section, folder, jwt);
    read_text(section, "tier_claim", jwt.tier_claim);
    read_text(section, "scope_claim", jwt.scope_claim);
    read_text(section, "default_tier", jwt.default_tier);
    if (const auto leeway = section.duration("leeway", 0ms)) {
        jwt.leeway = *leeway;
        if (jwt.leeway > 10min) section.fail(*section.find("leeway"), "'leeway' must be at most 10m");
    }
    assign(jwt.refresh, section.duration("refresh", 1s));
    section.finish(place);
    return jwt;
}

void check_tier(const Node& issuer, const Settings& settings, Mistakes& mistakes) {
    const auto* tier = issuer.find("default_tier");
    if (!tier || tier->broken || !tier->is(Node::Kind::scalar) || tier->text.empty()) return;
    if (!settings.tiers.contains(tier->text)) mistakes.add(tier->location, no_such_tier(*tier, settings.tiers));
}

}  // namespace

std::vector<JwtSettings> read_jwt(const Member& member, const std::filesystem::path& folder, Mistakes& mistakes) {
    const auto& node = member.value;
    if (!node.is(Node::Kind::sequence)) return {read_issuer(node, member.location, folder, mistakes)};
    std::vector<JwtSettings> all;
    for (const auto& item : node.items) {
        auto jwt = read_issuer(item, item.location, folder, mistakes);
        const auto same = [&](const JwtSettings& other) { return other.issuer == jwt.issuer && !jwt.issuer.empty(); };
        if (std::any_of(all.begin(), all.end(), same)) {
            const auto* issuer = item.find("issuer");
            mistakes.add(issuer->location, "the issuer " + describe(*issuer) + " is listed twice");
        }
        all.push_back(std::move(jwt));
    }
    if (all.empty()) mistakes.add(node.location, "'jwt' is an empty list");
    return all;
}

void check_default_tier(const Node& auth, const Settings& settings, Mistakes& mistakes) {
    const auto* jwt = auth.find("jwt");
    if (!jwt) return;
    if (!jwt->is(Node::Kind::sequence)) return check_tier(*jwt, settings, mistakes);
    for (const auto& issuer : jwt->items) check_tier(issuer, settings, mistakes);
}

}  // namespace sluice::config
