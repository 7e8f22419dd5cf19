#include "config/cache_rule.hpp"

#include "config/header_fields.hpp"
#include "config/suggestion.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view header_prefix = "header:";

/// Fields that differ per request or say how the answer is to be sent: a copy for each of their values would never be found
/// again, or is made anyhow.
bool is_unfit(std::string_view name) {
    const std::vector<std::string_view> unfit{"Accept-Encoding", "Authorization", "Cookie",    "If-Match",
                                              "If-None-Match",   "Traceparent",   "X-API-Key", "X-Request-Id"};
    return std::any_of(unfit.begin(), unfit.end(), [&](auto one) { return equal_ignoring_case(name, one); });
}

void read_variation(Section& section, const Node& item, CacheVariation& vary) {
    const std::string_view text = item.text;
    if (text == "identity") {
        vary.identity = true;
    } else if (text == "tier") {
        vary.tier = true;
    } else if (text == "scope") {
        vary.scope = true;
    } else if (text.starts_with(header_prefix)) {
        std::string name{text.substr(header_prefix.size())};
        if (!is_field_name(name)) return section.fail(item, "'" + name + "' is no header field's name");
        if (is_unfit(name)) return section.fail(item, "answers cannot be kept apart by '" + name + "'");
        vary.headers.push_back(std::move(name));
    } else {
        section.fail(item, "'vary' must be 'identity', 'tier', 'scope' or 'header:NAME', not " + describe(item) +
                               suggestion(item.text, {"identity", "tier", "scope"}));
    }
}

// One word, or a list of them.
CacheVariation read_vary(Section& section) {
    CacheVariation vary;
    const auto* node = section.find("vary");
    if (!node) return vary;
    if (node->is(Node::Kind::scalar)) {
        read_variation(section, *node, vary);
        return vary;
    }
    const auto items = section.list("vary");
    if (items.empty()) section.fail(*node, "'vary' names nothing: leave it out, or say what tells answers apart");
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto same = [&](const Node* before) { return equal_ignoring_case(before->text, items[i]->text); };
        const auto here = items.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::any_of(items.begin(), here, same))
            section.fail(*items[i], "'vary' names " + describe(*items[i]) + " twice");
        read_variation(section, *items[i], vary);
    }
    return vary;
}

void read_max_age(Section& section, CacheRule& rule) {
    const auto max_age = section.duration("max_age", 0ms);
    if (!max_age) return;
    rule.max_age = std::chrono::duration_cast<std::chrono::seconds>(*max_age);
    if (*rule.max_age != *max_age) section.fail(*section.find("max_age"), "'max_age' must be whole seconds");
}

void read_private(Section& section, AuthMode auth, CacheRule& rule) {
    const bool must = rule.vary.identity || auth == AuthMode::required;
    const auto wanted = section.flag("private");
    if (must && wanted == false) {
        section.fail(*section.find("private"), std::string{"'private' cannot be false: "} +
                                                   (rule.vary.identity ? "the answer is for one caller"
                                                                       : "a shared cache asks nobody for credentials"));
    }
    rule.is_private = wanted.value_or(must);
}

}  // namespace

void vary_by_fields(CacheRule& rule, const std::vector<ParameterSettings>& parameters, Mistakes& mistakes) {
    for (const auto& parameter : parameters) {
        if (!parameter.in_header) continue;
        const auto name = parameter.name.substr(ParameterSettings::header_prefix.size());
        auto& fields = rule.vary.headers;
        const auto same = [&](const std::string& other) { return equal_ignoring_case(name, other); };
        if (is_unfit(name)) {
            mistakes.add(parameter.location,
                         "answers cannot be kept apart by '" + name + "', so the SQL of a cached route cannot read it");
        } else if (std::none_of(fields.begin(), fields.end(), same)) {
            fields.push_back(name);
        }
    }
}

CacheRule read_cache_rule(Section& route, const Member& member, ResultShape result, AuthMode auth,
                          const TagReader& read_tags) {
    CacheRule rule;
    if (member.value.is(Node::Kind::scalar)) {
        assign(rule.ttl, route.duration("cache", 1ms));
        rule.is_private = auth == AuthMode::required;
        return rule;
    }
    Section section{member.value, "'cache'", route.mistakes()};
    section.require("ttl", "'cache' needs 'ttl'");
    assign(rule.ttl, section.duration("ttl", 1ms));
    assign(rule.l1, section.duration("l1", 0ms));
    assign(rule.stale, section.duration("stale", 0ms));
    assign(rule.revalidate, section.duration("revalidate", 0ms));
    assign(rule.negative, section.duration("negative", 0ms));
    if (rule.negative > 0ms && result != ResultShape::one) {
        section.fail(*section.find("negative"), "'negative' is for 'result: one', which alone answers 404");
    }
    read_max_age(section, rule);
    rule.tags = read_tags(section);
    if (section.has("l1") && rule.tags.empty()) {
        section.fail(*section.find("l1"), "'l1' is for answers with 'tags': without them the ttl is all that counts");
    }
    rule.vary = read_vary(section);
    read_private(section, auth, rule);
    section.finish(member.location);
    return rule;
}

}  // namespace sluice::config
