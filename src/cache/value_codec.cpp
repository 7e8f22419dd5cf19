#include "cache/value_codec.hpp"

#include "policy/glob.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::cache {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view magic = "sluice4\n";

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
    encoded.bytes.reserve(magic.size() + dumped.size() + 1 + value.body.size() + mark_of_store);
    encoded.bytes.append(magic).append(dumped).append("\n").append(value.body);
    encoded.lifetime = lifetime_left(value, now);
    return encoded;
}

bool names_copy(const postgres::Invalidation& purge, std::string_view beginning) {
    using Kind = postgres::Invalidation::Kind;
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
        if (head.at("size").get<std::size_t>() != bytes.size() || !bytes.ends_with('}')) return nullptr;
        auto value = std::make_shared<CachedValue>();
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
    }
}

}  // namespace sluice::cache
