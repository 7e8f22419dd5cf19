// `tables`: which tables tell of their changes themselves, whoever makes them, and by which tags.
#include "config/route_key.hpp"
#include "config/section.hpp"
#include "config/sections.hpp"
#include "config/tag_names.hpp"
#include "policy/tag_template.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

// Takes one name off: `city`, which PostgreSQL finds as it is without quotes, or `"City"`.
bool skip_name(std::string_view& text) {
    std::size_t end = 0;
    if (!text.starts_with('"')) {
        end = std::min(text.find('.'), text.size());
        const auto name = text.substr(0, end);
        text.remove_prefix(end);
        return is_parameter_name(name) &&
               std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    }
    for (end = 1; end < text.size(); ++end) {
        if (text[end] != '"') continue;
        if (end + 1 == text.size() || text[end + 1] != '"') break;
        ++end;  // two are one
    }
    const bool closed = end < text.size() && end > 1;
    text.remove_prefix(std::min(end + 1, text.size()));
    return closed;
}

// `city` or `shop.city`, each part as SQL has it. Its own tag must be a template without names.
bool is_table_name(std::string_view name) {
    const auto is_unfit = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '{' || c == '}'; };
    if (std::any_of(name.begin(), name.end(), is_unfit)) return false;
    if (!skip_name(name)) return false;
    if (name.empty()) return true;
    if (!name.starts_with('.')) return false;
    name.remove_prefix(1);
    return skip_name(name) && name.empty();
}

/// Whether two templates may make the same tag, as far as their beginnings tell. Too often costs a miss, too seldom a stale
/// answer.
bool may_be_same(const policy::TagTemplate& a, const policy::TagTemplate& b) {
    const auto& x = a.literals().front();
    const auto& y = b.literals().front();
    if (a.names().empty() && b.names().empty()) return x == y;
    if (a.names().empty()) return x.starts_with(y);
    if (b.names().empty()) return y.starts_with(x);
    return x.starts_with(y) || y.starts_with(x);
}

/// Whether some row of the table may have the tag.
bool may_have(const TrackedTable& table, const policy::TagTemplate& tag) {
    return std::any_of(table.tags.begin(), table.tags.end(),
                       [&](const std::string& one) { return may_be_same(policy::TagTemplate{one}, tag); });
}

std::string_view hint(std::string_view name) {
    if (name.find_first_of("{}") != name.npos) return ": its own tag could not hold a brace";
    return name.find('"') == name.npos ? "" : R"(: other names stand in double quotes, as in '"Shop"."City"')";
}

}  // namespace

std::vector<TrackedTable> read_tables(const Node& node, Mistakes& mistakes) {
    std::vector<TrackedTable> tables;
    const Section whole{node, "'tables'", mistakes};
    for (const auto& member : node.members) {
        if (!is_table_name(member.name)) {
            mistakes.add(member.location, "a table is written as table or schema.table, in lower case, unlike '" +
                                              member.name + "'" + std::string{hint(member.name)});
        }
        const auto name = "table '" + member.name + "'";
        Section section{member.value, name, mistakes};
        section.require("tags", name + " needs 'tags'");
        TrackedTable table{member.name, {}, member.location};
        for (const auto* item : section.list("tags")) {
            names_in_tag(section, *item, TagOwner::table);
            table.tags.push_back(item->text);
        }
        section.finish(member.location);
        tables.push_back(std::move(table));
    }
    return tables;
}

void add_table_tags(Settings& settings) {
    for (auto& route : settings.routes) {
        if (!route.cache) continue;
        std::vector<std::string> added;
        for (const auto& table : settings.tables) {
            const auto of_table = [&](const std::string& tag) { return may_have(table, policy::TagTemplate{tag}); };
            if (std::any_of(route.cache->tags.begin(), route.cache->tags.end(), of_table)) added.push_back(table.own_tag());
        }
        route.cache->tags.insert(route.cache->tags.end(), added.begin(), added.end());
    }
}

}  // namespace sluice::config
