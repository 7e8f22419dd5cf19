#include "config/route_section.hpp"

#include "config/answer_fields.hpp"
#include "config/body_schema.hpp"
#include "config/cache_rule.hpp"
#include "config/error_rules.hpp"
#include "config/fallback_section.hpp"
#include "config/page_section.hpp"
#include "config/parameters.hpp"
#include "config/prefixed_names.hpp"
#include "config/respond_section.hpp"
#include "config/route_key.hpp"
#include "config/route_sql.hpp"
#include "config/section.hpp"
#include "config/suggestion.hpp"
#include "config/tag_names.hpp"
#include "config/text_places.hpp"
#include "config/upstream_call.hpp"
#include "config/window_limits.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

// RFC 6749 section 3.3: scopes travel in a space-separated list.
bool is_scope(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

class RouteReader {
public:
    RouteReader(const Member& member, RouteKey key, const Document& document, Mistakes& mistakes)
        : key_{std::move(key)},
          document_{document},
          section_{member.value, "route '" + member.name + "'", mistakes},
          mistakes_{mistakes} {
        route_.location = member.location;
        route_.method = key_.method;
        route_.pattern = key_.pattern;
    }

    RouteSettings run() {
        choose_kind();
        assign(route_.options.summary, section_.text("summary"));
        read_access();
        read_limits();
        assign(route_.options.timeout, section_.duration("timeout", 1ms));
        assign(route_.options.body_limit, section_.size("body_limit", 0));
        route_.parameters = read_parameters(section_.find("params"), key_, route_.location, mistakes_);
        read_body();
        if (route_.sql_if())
            read_sql_route();
        else
            read_other_route();
        section_.finish(route_.location);
        return std::move(route_);
    }

private:
    // One of several keys says what answers.
    void choose_kind() {
        const std::vector<std::string> kinds{"sql", "upstream", "respond"};
        const Member* chosen = nullptr;
        for (const auto& kind : kinds) {
            const auto* member = section_.has(kind) ? section_.find_member(kind) : nullptr;
            if (member && chosen)
                mistakes_.add(member->location,
                              "a route has one of 'sql', 'upstream' and 'respond', and this one has '" + chosen->name + "'");
            else if (member)
                chosen = member;
        }
        if (chosen && chosen->name == "upstream") route_.kind = UpstreamRoute{};
        if (chosen && chosen->name == "respond") route_.kind = RespondRoute{};
    }

    void read_sql_route() {
        assign(route_.sql().max_answer, section_.size("max_answer", 1024));
        if (const auto* sql = section_.find("sql"); sql && sql->is(Node::Kind::scalar))
            prefixed_ = read_prefixed_names(document_, *sql, route_, names_are_certain_, mistakes_);
        read_result();
        assign(route_.status, section_.count("status", 200, 299));
        route_.sql().page = read_page(section_, route_);
        read_envelope();
        read_placement();
        read_collapse();
        read_cache();
        read_invalidates();
        read_headers();
        read_idempotency();
        read_etag();
        read_precondition();
        route_.sql().errors = read_error_rules(section_);
        read_sql();
        read_fallback();
    }

    void read_other_route() {
        refuse_sql_keys();
        if (std::holds_alternative<RespondRoute>(route_.kind)) return read_respond();
        assign(route_.status, section_.count("status", 200, 299));
        read_envelope();
        const auto* node = section_.find("upstream");
        auto& call = std::get<UpstreamRoute>(route_.kind).call;
        if (node) call = read_upstream_call(*node, complaint_, mistakes_);
        read_cache();
        read_headers();
        read_etag();
        if (route_.etag == EtagMode::version)
            section_.fail(*section_.find("etag"), "'etag: version' is for routes with SQL");
        read_fallback();
        if (node) finish_names();
    }

    void refuse_sql_keys() {
        for (const auto* key : {"result", "page", "on", "collapse", "invalidates", "idempotency", "precondition", "errors",
                                "messages", "max_answer"}) {
            if (!section_.has(key)) continue;
            mistakes_.add(section_.find_member(key)->location, "'" + std::string{key} + "' is for routes with 'sql'");
        }
    }

    void read_respond() {
        if (const auto* node = section_.find("respond")) route_.kind = read_respond_section(*node, route_.status, mistakes_);
        for (const auto* key : {"cache", "fallback", "envelope", "status"}) {
            if (section_.has(key))
                mistakes_.add(section_.find_member(key)->location,
                              "'" + std::string{key} + "' has no meaning beside 'respond'" +
                                  (std::string_view{key} == "status" ? ": write it below 'respond'" : ""));
        }
        read_headers();
        read_etag();
    }

    void read_fallback() {
        const auto* member = section_.find_member("fallback");
        if (!member || member->value.broken) return;
        if (!is_get()) return mistakes_.add(member->location, "'fallback' is for GET: a write is done, or it is not");
        if (route_.sql_if() && route_.sql().page)
            return mistakes_.add(member->location, "'fallback' and 'page' exclude each other");
        const FallbackScope scope{all_names(), route_.sql_if() ? route_.sql().result : ResultShape::one, complaint_, used_};
        route_.fallbacks = read_fallbacks(member->value, document_, scope, mistakes_);
    }

    /// Declared parameters of query and header that nothing names.
    std::vector<std::pair<std::string, SourceLocation>> unused() const {
        std::vector<std::pair<std::string, SourceLocation>> all;
        for (const auto& parameter : route_.parameters) {
            if (!parameter.in_path && !used_.contains(parameter.name)) all.emplace_back(parameter.name, parameter.location);
        }
        return all;
    }

    void finish_names() {
        for (const auto& [name, location] : unused()) {
            std::string message = "parameter '" + name + "' is declared but not used: write ':";
            mistakes_.add(location, message.append(name).append("' in the call, or leave it out"));
        }
        refuse_shared_callers(used_, "the call");
    }

    void refuse_shared_callers(const std::set<std::string>& names, const std::string& where) {
        for (const auto* caller : {"key_id", "sub", "claims"}) {
            if (!names.contains(caller) || !route_.cache || route_.cache->vary.identity) continue;
            mistakes_.add(cache_location_, where + " names :" + std::string{caller} +
                                               ", so 'cache' needs 'vary: identity': else one caller gets another's answer");
            break;
        }
    }

    bool is_get() const { return key_.method == Method::get; }

    // Scopes need somebody to hold them, so they make `auth: required` the default.
    void read_access() {
        auto& options = route_.options;
        const auto mode = section_.choice<AuthMode>(
            "auth", {{"none", AuthMode::none}, {"optional", AuthMode::optional}, {"required", AuthMode::required}});
        for (const auto* item : section_.list("scopes")) {
            if (!is_scope(item->text))
                section_.fail(*item, "a scope has no spaces, quotes or backslashes, unlike " + describe(*item));
            options.scopes.push_back(item->text);
        }
        options.auth = mode.value_or(options.scopes.empty() ? AuthMode::optional : AuthMode::required);
        if (!options.scopes.empty() && options.auth != AuthMode::required) {
            section_.fail(*section_.find("scopes"),
                          "'scopes' need 'auth: required'; it is the default then, so leave 'auth' out");
        }
    }

    // On top of the limits of the client's tier.
    void read_limits() {
        auto& options = route_.options;
        assign(options.cost, section_.count("cost", 1, 1'000'000));
        const auto* limit = section_.find("limit");
        if (!limit) return;
        if (limit->is(Node::Kind::scalar) && limit->text == "off") {
            options.rate_limited = false;
            if (const auto* cost = section_.find("cost")) section_.fail(*cost, "'cost' has no meaning with 'limit: off'");
            return;
        }
        options.limits = read_window_limits(*limit, "'limit'", mistakes_);
        for (const auto& one : options.limits) {
            if (one.requests > 0 && options.cost > one.requests) {
                section_.fail(*limit, "'limit' is less than one request's 'cost': the route could never be called");
            }
        }
    }

    void read_body() {
        const auto* member = section_.find_member("body");
        if (!member) {
            names_are_certain_ = !section_.has("body");
            return;
        }
        if (is_get()) return mistakes_.add(member->location, "a GET has no body: leave 'body' out, or make it a POST");
        const auto body = read_body_schema(member->value, mistakes_);
        names_are_certain_ = !body.json.empty();
        if (body.json.empty()) return;
        route_.body_schema = body.json;
        for (const auto& property : body.properties) {
            if (is_reserved(property.name) || is_parameter(property.name)) ambiguous_.push_back(property);
            route_.body_properties.push_back(property.name);
        }
    }

    void read_result() {
        const auto result = section_.choice<ResultShape>(
            "result", {{"one", ResultShape::one}, {"many", ResultShape::many}, {"none", ResultShape::none}});
        assign(route_.sql().result, result);
        if (route_.sql().result == ResultShape::none) route_.status = 204;
    }

    void read_envelope() {
        const auto* member = section_.find_member("envelope");
        route_.envelope = section_.choice<bool>("envelope", {{"on", true}, {"off", false}});
        if (route_.envelope.value_or(true)) return;
        if (route_.sql_if() && route_.sql().page) {
            mistakes_.add(member->location,
                          "'envelope: off' and 'page' exclude each other: the cursor of the next page "
                          "stands in the envelope");
        }
    }

    void read_placement() {
        const auto* member = section_.find_member("on");
        const auto place = section_.choice<bool>("on", {{"primary", true}});
        if (member && !is_get()) {
            return mistakes_.add(member->location, "'on' is for GET: other methods always run on the primary");
        }
        assign(route_.sql().on_primary, place);
    }

    void read_collapse() {
        const auto* member = section_.find_member("collapse");
        if (!section_.flag("collapse").value_or(false)) return;
        if (!is_get()) return mistakes_.add(member->location, "'collapse' is for GET");
        route_.sql().collapse = true;
        collapse_location_ = member->location;
        if (route_.sql().page) mistakes_.add(member->location, "'collapse' and 'page' exclude each other");
    }

    void read_cache() {
        const auto* member = section_.find_member("cache");
        if (!member) return;
        if (!is_get()) return mistakes_.add(member->location, "'cache' is for GET");
        cache_location_ = member->location;
        const auto tags = [this](Section& section) { return read_tags(section, "tags", false); };
        const auto result = route_.sql_if() ? route_.sql().result : ResultShape::one;
        route_.cache = read_cache_rule(section_, *member, result, route_.options.auth, tags);
        vary_by_fields(*route_.cache, route_.parameters, mistakes_);
    }

    void read_invalidates() {
        const auto* member = section_.find_member("invalidates");
        if (!member) return;
        if (is_get()) return mistakes_.add(member->location, "'invalidates' is for methods that write, not GET");
        route_.sql().invalidates = read_tags(section_, "invalidates", route_.sql().result != ResultShape::none);
    }

    void read_headers() {
        std::vector<std::string> used;
        route_.headers = read_answer_fields(section_, route_, used);
        used_.insert(used.begin(), used.end());
    }

    void read_idempotency() {
        const auto* member = section_.find_member("idempotency");
        const auto mode = section_.choice<IdempotencyMode>("idempotency", {{"optional", IdempotencyMode::optional},
                                                                           {"required", IdempotencyMode::required},
                                                                           {"off", IdempotencyMode::off}});
        if (member && is_get()) return mistakes_.add(member->location, "'idempotency' is for methods that write, not GET");
        assign(route_.sql().idempotency, mode);
    }

    void read_etag() {
        const auto* member = section_.find_member("etag");
        const auto mode = section_.choice<EtagMode>(
            "etag", {{"on", EtagMode::on}, {"off", EtagMode::off}, {"version", EtagMode::version}});
        if (member && !is_get()) {
            return mistakes_.add(member->location, "'etag' is for GET: what a write answers has no ETag");
        }
        assign(route_.etag, mode);
        if (route_.etag == EtagMode::version && route_.sql_if() && route_.sql().result != ResultShape::one) {
            mistakes_.add(member->location, "'etag: version' needs 'result: one', a row that has a column 'version'");
        }
    }

    void read_precondition() {
        const auto* member = section_.find_member("precondition");
        const auto mode = section_.choice<PreconditionMode>(
            "precondition", {{"optional", PreconditionMode::optional}, {"required", PreconditionMode::required}});
        if (!member) return;
        if (is_get()) return mistakes_.add(member->location, "'precondition' is for methods that write, not GET");
        assign(route_.sql().precondition, mode);
        route_.sql().precondition_location = member->location;
    }

    std::vector<std::string> read_tags(Section& section, std::string_view key, bool columns_too) {
        std::vector<std::string> tags;
        for (const auto* item : section.list(key)) {
            for (const auto& name : names_in_tag(section, *item, TagOwner::route)) {
                used_.insert(name);
                if (columns_too || !names_are_certain_ || is_parameter(name) || is_body_property(name)) continue;
                if (is_body_member(route_, name)) continue;
                section.fail(*item, "the tag " + describe(*item) + " names '" + name + "', which is no parameter" +
                                        suggestion(name, all_names()));
            }
            tags.push_back(item->text);
        }
        return tags;
    }

    void read_sql() {
        section_.require("sql", "the route needs 'sql', 'upstream' or 'respond'");
        const auto sql = section_.text("sql");
        if (!sql) return;
        const auto& node = *section_.find("sql");
        route_.sql().text = *sql;
        route_.sql().places = places_of(document_, node);
        route_.sql().location = locate(node.location, route_.sql().places, *sql, sql->find_first_not_of(" \t\r\n"));
        auto known = all_names();
        known.insert(known.end(), prefixed_.begin(), prefixed_.end());
        const NamesInScope scope{std::move(known), route_.body_schema.has_value(), names_are_certain_};
        const auto names = check_sql(document_, node, scope, mistakes_);
        if (!names) return;
        used_.insert(names->begin(), names->end());
        for (const auto& [name, location] : unused()) {
            const bool quoted = sql->find(':' + name) != sql->npos;
            mistakes_.add(location, "parameter '" + name + "' is declared but not used: " +
                                        (quoted ? "':" + name + "' in quotes or a comment is no parameter"
                                                : "write ':" + name + "' in the SQL, or leave it out"));
        }
        refuse_ambiguous(*names);
        if (route_.sql().collapse && names->empty()) {
            mistakes_.add(collapse_location_, "'collapse' needs a parameter in the SQL: without one all reads are the same");
        }
        refuse_shared_callers(*names, "the SQL");
    }

    // `:sub` stays what it is: who means the property must be able to see that.
    void refuse_ambiguous(const std::set<std::string>& names) {
        for (const auto& [name, location] : ambiguous_) {
            if (!names.contains(name) || names.contains("body." + name)) continue;
            auto what = is_reserved(name) ? reserved_message("the body property name '" + name + "'", name)
                                          : "the body property '" + name + "' has the name of a path or query parameter";
            mistakes_.add(location, what.append("; write ':body.").append(name).append("' for the property"));
        }
    }

    bool is_parameter(std::string_view name) const {
        return std::any_of(route_.parameters.begin(), route_.parameters.end(),
                           [&](const auto& p) { return p.name == name; });
    }
    bool is_body_property(std::string_view name) const {
        return std::find(route_.body_properties.begin(), route_.body_properties.end(), name) != route_.body_properties.end();
    }
    std::vector<std::string> all_names() const {
        auto names = route_.body_properties;
        for (const auto& parameter : route_.parameters) names.push_back(parameter.name);
        return names;
    }

    RouteKey key_;
    const Document& document_;
    Section section_;
    Mistakes& mistakes_;
    RouteSettings route_;
    // Of a name in a call.
    const ComplaintAboutName complaint_ = [this](const std::string& name) -> std::string {
        used_.insert(name);
        const auto declared = std::find_if(route_.parameters.begin(), route_.parameters.end(),
                                           [&](const auto& parameter) { return parameter.name == name; });
        if (declared != route_.parameters.end())
            return declared->type == ParameterType::array ? "names '" + name + "', which is an array" : "";
        const bool known =
            is_reserved(name) || is_body_property(name) || is_body_member(route_, name) || !names_are_certain_;
        return known ? "" : "names '" + name + "', which is no parameter" + suggestion(name, all_names());
    };
    std::set<std::string> used_;                   // names in SQL, calls and tags
    std::vector<BodySchema::Property> ambiguous_;  // whose names mean something else in SQL
    std::vector<std::string> prefixed_;            // names in SQL that reach into the request
    SourceLocation cache_location_, collapse_location_;
    bool names_are_certain_ = true;  // false: the body could not be read, so an unknown name may be one of its properties
};

}  // namespace

std::optional<ReadRoute> read_route(const Member& member, const Document& document, Mistakes& mistakes) {
    auto key = parse_route_key(member.name, member.location, mistakes);
    if (!key || member.value.broken) return std::nullopt;
    auto shape = key->shape;
    return ReadRoute{RouteReader{member, std::move(*key), document, mistakes}.run(), std::move(shape)};
}

}  // namespace sluice::config
