#include "admin/keys.hpp"

#include "admin/blocking_answer.hpp"
#include "auth/base64url.hpp"
#include "runtime/duration.hpp"
#include "sluice/problem.hpp"
#include "telemetry/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace sluice::admin {
namespace {

using nlohmann::ordered_json;
using std::chrono::system_clock;

constexpr std::size_t body_limit = 64 * 1024;
constexpr std::size_t longest_page = 1'000;
constexpr std::chrono::milliseconds default_grace = std::chrono::hours{24};

[[noreturn]] void refuse(unsigned status, std::string detail) { throw ProblemError{Problem::of(status, std::move(detail))}; }

[[noreturn]] void refuse(const KeyRefusal& refusal) {
    switch (refusal.kind) {
        case KeyRefusal::Kind::invalid:
            refuse(422, refusal.message);
        case KeyRefusal::Kind::not_found:
            refuse(404, refusal.message);
        case KeyRefusal::Kind::conflict:
            break;
    }
    refuse(409, refusal.message);
}

/// Who asked for a change, for the audit line.
struct Actor {
    std::string address;
    std::string request_id;
};

Actor actor_of(const Exchange& exchange) { return {exchange.client_address, exchange.request_id}; }

void audit(const Actor& actor, std::string_view action, std::string_view key, std::string_view tier,
           std::string_view outcome) {
    log::info("audit", {{"action", action},
                        {"key", key},
                        {"tier", tier},
                        {"outcome", outcome},
                        {"from", actor.address},
                        {"request_id", actor.request_id}});
}

std::string_view outcome_of(const KeyRefusal& refusal) {
    switch (refusal.kind) {
        case KeyRefusal::Kind::invalid:
            return "invalid";
        case KeyRefusal::Kind::not_found:
            return "not_found";
        case KeyRefusal::Kind::conflict:
            break;
    }
    return "conflict";
}

/// What cannot be told when the server goes away in between is audited, too.
template <class Change>
auto audited(const Actor& actor, std::string_view action, std::string_view key, const Change& change) {
    try {
        return change();
    } catch (...) {
        audit(actor, action, key, "", "unknown");
        throw;
    }
}

/// The path's key id. Whoever means to revoke a key by its text must not find that text in the log.
std::string id_of(const Exchange& exchange) {
    const auto& id = exchange.path_values.at(0);
    if (id.starts_with(auth::KeyCodec::prefix)) {
        refuse(422, "This is a key, not a key's id: 'sluice keys verify' tells the id.");
    }
    return id;
}

/// A body's members, asked for one by one; `finish` refuses those that nobody asked for.
class Members {
public:
    explicit Members(std::string_view bytes) : document_(nlohmann::json::parse(bytes, nullptr, false)) {
        if (!document_.is_object()) refuse(400, "The body must be a JSON object.");
    }

    std::optional<std::string> text(const char* name) {
        const auto* member = take(name);
        if (!member) return std::nullopt;
        if (!member->is_string()) refuse(422, "'" + std::string{name} + "' must be a string.");
        return member->get<std::string>();
    }

    std::vector<std::string> texts(const char* name) {
        const auto* member = take(name);
        if (!member) return {};
        const auto is_string = [](const nlohmann::json& item) { return item.is_string(); };
        if (!member->is_array() || !std::all_of(member->begin(), member->end(), is_string)) {
            refuse(422, "'" + std::string{name} + "' must be a list of strings.");
        }
        return member->get<std::vector<std::string>>();
    }

    std::optional<std::chrono::milliseconds> duration(const char* name, bool may_be_zero) {
        const auto given = text(name);
        if (!given) return std::nullopt;
        const auto value = runtime::parse_duration(*given);
        if (!value || (value->count() == 0 && !may_be_zero)) {
            refuse(422, "'" + std::string{name} + "' must be a duration such as 90d or 12h.");
        }
        return value;
    }

    std::string required(const char* name) {
        auto value = text(name);
        if (!value) refuse(422, "'" + std::string{name} + "' is missing.");
        return std::move(*value);
    }

    void finish() const {
        for (const auto& [name, value] : document_.items()) {
            if (!taken_.contains(name)) refuse(422, "'" + name + "' is not known here.");
        }
    }

private:
    const nlohmann::json* take(const char* name) {
        taken_.insert(name);
        const auto found = document_.find(name);
        return found == document_.end() || found->is_null() ? nullptr : &*found;
    }

    nlohmann::json document_;
    std::set<std::string, std::less<>> taken_;
};

std::string cursor_of(const postgres::KeyRecord& last) {
    const auto created = last.created_at.value_or(system_clock::time_point{}).time_since_epoch();
    const auto count = std::chrono::floor<std::chrono::microseconds>(created).count();
    return auth::encode_base64url(std::to_string(count) + ' ' + last.id);
}

postgres::KeyFilter::Position position_of(const std::string& cursor) {
    const auto text = auth::decode_base64url(cursor).value_or("");
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') {
        refuse(400, "'after' must be the 'next' of the page before.");
    }
    return {system_clock::time_point{std::chrono::microseconds{count}}, std::string{end + 1, text.data() + text.size()}};
}

postgres::KeyFilter::State state_named(const std::string& name) {
    using State = postgres::KeyFilter::State;
    if (name == "active") return State::active;
    if (name == "expired") return State::expired;
    if (name == "revoked") return State::revoked;
    refuse(400, "'state' must be active, expired or revoked.");
}

std::size_t page_size(const std::string& text) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || end != text.data() + text.size() || size == 0 || size > longest_page) {
        refuse(400, "'limit' must be a number from 1 to 1000.");
    }
    return size;
}

postgres::KeyFilter filter_of(const std::vector<QueryParameter>& query) {
    postgres::KeyFilter filter;
    for (const auto& [name, value] : query) {
        if (name == "name") {
            filter.name_prefix = value;
        } else if (name == "tier") {
            filter.tier = value;
        } else if (name == "state") {
            filter.state = state_named(value);
        } else if (name == "limit") {
            filter.limit = page_size(value);
        } else if (name == "after") {
            filter.after = position_of(value);
        } else {
            refuse(400, "There is no filter '" + name + "': name, tier, state, limit and after are.");
        }
    }
    return filter;
}

Response data(unsigned status, ordered_json value) {
    auto response = Response::json(status, ordered_json{{"data", std::move(value)}}.dump());
    response.headers.add("Cache-Control", "no-store");
    return response;
}

Response issued(const IssuedKey& key) {
    auto document = to_json(key.record, system_clock::now());
    document["key"] = key.text;  // shown now and never again
    return data(201, std::move(document));
}

awaitable<Response> create(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    Members members{co_await exchange.body(body_limit)};
    NewKey wanted{members.required("name"), members.required("tier"), members.texts("scopes"),
                  members.duration("expires", false)};
    members.finish();
    auto job = [&keys, wanted = std::move(wanted), actor = actor_of(exchange)] {
        const auto made = audited(actor, "key.create", "", [&] { return keys.create(wanted); });
        audit(actor, "key.create", made ? made->record.id : "", wanted.tier,
              made ? std::string_view{"done"} : outcome_of(made.error()));
        if (!made) refuse(made.error());
        return issued(*made);
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

awaitable<Response> list(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    auto job = [&keys, filter = filter_of(exchange.query)]() mutable {
        const auto wanted = filter.limit++;  // one more tells whether there is a next page
        auto records = keys.list(filter);
        ordered_json next;
        if (records.size() > wanted) {
            records.pop_back();
            next = cursor_of(records.back());
        }
        auto all = ordered_json::array();
        for (const auto& record : records) all.push_back(to_json(record, system_clock::now()));
        auto response = Response::json(200, ordered_json{{"data", std::move(all)}, {"next", std::move(next)}}.dump());
        response.headers.add("Cache-Control", "no-store");
        return response;
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

awaitable<Response> show(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    auto job = [&keys, id = id_of(exchange)] {
        const auto record = keys.show(id);
        if (!record) refuse(record.error());
        return data(200, to_json(*record, system_clock::now()));
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

/// What revoking and moving a key have in common.
Response answer_change(const Actor& actor, std::string_view action, const std::string& id,
                       const boost::system::result<KeyAdministration::Changed, KeyRefusal>& changed) {
    if (!changed) {
        audit(actor, action, id, "", outcome_of(changed.error()));
        refuse(changed.error());
    }
    const auto& record = changed->record;
    audit(actor, action, id, record.tier_override.value_or(record.tier), changed->was_so ? "unchanged" : "done");
    return data(200, to_json(record, system_clock::now()));
}

awaitable<Response> revoke(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    auto job = [&keys, id = id_of(exchange), actor = actor_of(exchange)] {
        return answer_change(actor, "key.revoke", id, audited(actor, "key.revoke", id, [&] { return keys.revoke(id); }));
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

awaitable<Response> change(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    Members members{co_await exchange.body(body_limit)};
    auto tier = members.required("tier");
    members.finish();
    auto job = [&keys, tier = std::move(tier), id = id_of(exchange), actor = actor_of(exchange)] {
        return answer_change(actor, "key.set_tier", id,
                             audited(actor, "key.set_tier", id, [&] { return keys.set_tier(id, tier); }));
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

awaitable<Response> rotate(const KeyAdministration& keys, runtime::BlockingLane& lane, Exchange& exchange) {
    const auto body = co_await exchange.body(body_limit);
    Members members{body.empty() ? "{}" : body};
    const auto grace = std::chrono::ceil<std::chrono::seconds>(members.duration("grace", true).value_or(default_grace));
    members.finish();
    auto job = [&keys, grace, id = id_of(exchange), actor = actor_of(exchange)] {
        const auto made = audited(actor, "key.rotate", id, [&] { return keys.rotate(id, grace); });
        audit(actor, "key.rotate", id, made ? made->record.tier : "",
              made ? std::string_view{"done"} : outcome_of(made.error()));
        if (!made) refuse(made.error());
        return issued(*made);
    };
    co_return co_await blocking_answer(lane, exchange, std::move(job));
}

}  // namespace

std::vector<AdminRoute> key_routes(const KeyAdministration& keys, runtime::BlockingLane& lane) {
    using Endpoint = awaitable<Response> (*)(const KeyAdministration&, runtime::BlockingLane&, Exchange&);
    const auto route = [&](Method method, std::string pattern, Endpoint endpoint) {
        return AdminRoute{method, std::move(pattern),
                          [&keys, &lane, endpoint](Exchange& exchange) { return endpoint(keys, lane, exchange); }};
    };
    return {
        route(Method::post, "/admin/keys", create),         route(Method::get, "/admin/keys", list),
        route(Method::get, "/admin/keys/{id}", show),       route(Method::patch, "/admin/keys/{id}", change),
        route(Method::delete_, "/admin/keys/{id}", revoke), route(Method::post, "/admin/keys/{id}/rotate", rotate),
    };
}

}  // namespace sluice::admin
