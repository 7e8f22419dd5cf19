#include "cache/value_codec.hpp"

#include "policy/glob.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace sluice::cache {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// `Name: value` lines. False: they are damaged.
bool read_fields(std::string_view lines, HeaderBlock& headers) {
    while (!lines.empty()) {
        const auto end = lines.find("\r\n");
        const auto colon = lines.find(": ");
        if (end == lines.npos || colon == lines.npos || colon > end) return false;
        headers.add(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
        lines.remove_prefix(end + 2);
    }
    return true;
}

constexpr std::string_view magic = "sluice5\n";

}  // namespace

milliseconds lifetime_left(const CachedValue& value, TimePoint now) {
    return duration_cast<milliseconds>(value.ttl + std::max(value.stale, value.revalidate) - (now - value.loaded_at));
}

EncodedValue encode(const CachedValue& value, TimePoint now) {
    nlohmann::json head{
        {"ttl", duration_cast<milliseconds>(value.ttl).count()},
        {"stale", duration_cast<milliseconds>(value.stale).count()},
        {"revalidate", duration_cast<milliseconds>(value.revalidate).count()},
        {"cost_us", duration_cast<microseconds>(value.cost).count()},
        {"etag", value.etag},
        {"absent", value.absent},
        {"status", value.status},
        {"fields", value.own_headers},
        {"size", value.body.size()},
        {"tags", value.tags},
        {"path", value.path},
    };
    if (value.label) {
        head["history"] = value.label->history;
        head["xmax"] = value.label->snapshot.xmax;
        head["running"] = value.label->snapshot.running;
    }
    EncodedValue encoded;
    const auto dumped = head.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    constexpr std::size_t mark_of_store = 16;  // it may add some bytes
    const auto fields = std::string_view{value.headers.wire()}.substr(0, value.own_headers);
    encoded.bytes.reserve(magic.size() + dumped.size() + 1 + fields.size() + value.body.size() + mark_of_store);
    encoded.bytes.append(magic).append(dumped).append("\n").append(fields).append(value.body);
    encoded.lifetime = lifetime_left(value, now);
    return encoded;
}

bool names_copy(const policy::Invalidation& purge, std::string_view beginning) {
    using Kind = policy::Invalidation::Kind;
    if (purge.kind == Kind::all || !beginning.starts_with(magic)) return true;
    beginning.remove_prefix(magic.size());
    const auto head = nlohmann::json::parse(beginning.substr(0, beginning.find('\n')), nullptr, false);
    if (!head.is_object() || !head.contains("tags") || !head.contains("path")) return true;
    if (purge.kind == Kind::glob)
        return !head["path"].is_string() || policy::glob_matches(purge.name, head["path"].get_ref<const std::string&>());
    const auto& tags = head["tags"];
    return !tags.is_array() || std::find(tags.begin(), tags.end(), purge.name) != tags.end();
}

std::shared_ptr<CachedValue> decode(std::string owned, std::chrono::milliseconds remaining, TimePoint now) {
    std::string_view bytes{owned};
    if (!bytes.starts_with(magic)) return nullptr;
    bytes.remove_prefix(magic.size());
    const auto end = bytes.find('\n');
    if (end == bytes.npos) return nullptr;
    const auto head = nlohmann::json::parse(bytes.substr(0, end), nullptr, false);
    bytes.remove_prefix(end + 1);
    if (!head.is_object()) return nullptr;
    try {
        const auto fields = head.at("fields").get<std::size_t>();
        if (fields > bytes.size() || head.at("size").get<std::size_t>() != bytes.size() - fields) return nullptr;
        auto value = std::make_shared<CachedValue>();
        if (!read_fields(bytes.substr(0, fields), value->headers)) return nullptr;
        value->own_headers = fields;
        bytes.remove_prefix(fields);
        value->status = head.at("status").get<unsigned>();
        value->ttl = milliseconds{head.at("ttl").get<std::int64_t>()};
        value->stale = milliseconds{head.at("stale").get<std::int64_t>()};
        value->etag = head.at("etag").get<std::string>();
        value->absent = head.at("absent").get<bool>();
        if (head.contains("xmax")) {
            value->label =
                Label{head.at("history").get<HistoryId>(),
                      {head.at("xmax").get<std::uint64_t>(), head.at("running").get<std::vector<std::uint64_t>>()}};
        }
        value->revalidate = milliseconds{head.at("revalidate").get<std::int64_t>()};
        value->cost = microseconds{head.at("cost_us").get<std::int64_t>()};
        value->loaded_at = now - (value->ttl + std::max(value->stale, value->revalidate) - remaining);
        if (value->loaded_at > now) value->loaded_at = now;
        owned.erase(0, owned.size() - bytes.size());
        value->body = std::move(owned);
        return value;
    } catch (const nlohmann::json::exception&) {
        return nullptr;
    } catch (const std::invalid_argument&) {  // no field
        return nullptr;
    }
}

}  // namespace sluice::cache
