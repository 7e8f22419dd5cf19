#include "app/tag_purge.hpp"

#include "endpoints/route_statement.hpp"
#include "endpoints/tag_value.hpp"
#include "policy/tag_template.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace sluice::app {
namespace {

// A text fits a template with several names in several ways, though seldom in more than one.
constexpr std::size_t most_ways = 100;

using Values = std::vector<std::string>;

/// Every way in which the text fits from the name of that index on, what stands before it being taken off.
void split(const policy::TagTemplate& tag, std::string_view rest, Values& values, std::vector<Values>& ways) {
    const auto& literal = tag.literals()[values.size() + 1];
    const bool last = values.size() + 1 == tag.names().size();
    for (auto at = last ? rest.size() - std::min(rest.size(), literal.size()) : rest.find(literal);
         at != rest.npos && at <= rest.size() && ways.size() < most_ways; at = rest.find(literal, at + 1)) {
        if (rest.substr(at, literal.size()) != literal) return;
        values.emplace_back(rest.substr(0, at));
        if (last) {
            ways.push_back(values);
        } else {
            split(tag, rest.substr(at + literal.size()), values, ways);
        }
        values.pop_back();
        if (last) return;
    }
}

std::vector<Values> ways_to_fit(const policy::TagTemplate& tag, std::string_view text) {
    std::vector<Values> ways;
    const auto& first = tag.literals().front();
    if (tag.names().empty() || !text.starts_with(first)) return ways;
    Values values;
    split(tag, text.substr(first.size()), values, ways);
    return ways;
}

/// Every spelling of a text as one of the types.
Values spellings(const std::string& text, const std::vector<postgres::InferredType>& types, const AskSpelling& ask) {
    Values all{text};
    for (const auto& type : types) {
        auto spelled = endpoints::spell(type.spelling, text);
        if (!spelled && type.oid != 0) spelled = ask(text, type.oid);
        if (spelled && std::find(all.begin(), all.end(), *spelled) == all.end()) all.push_back(std::move(*spelled));
    }
    return all;
}

}  // namespace

std::vector<std::string> meant_tags(const std::string& written, const Settings& settings, const endpoints::TagTypes& types,
                                    const AskSpelling& ask) {
    std::vector<std::string> meant{written};
    for (const auto& route : settings.routes) {
        if (!route.cache || !route.sql_if()) continue;
        const auto statement = endpoints::statement_of(route);
        const auto learned = types.of(statement.name);
        const auto declared = endpoints::declared_types(route, statement);
        const auto types_of = [&](const std::string& name) {
            const auto found = std::find(statement.parameters.begin(), statement.parameters.end(), name);
            if (found == statement.parameters.end()) return std::vector<postgres::InferredType>{};
            const auto index = static_cast<std::size_t>(found - statement.parameters.begin());
            return learned && !learned->at(index).empty() ? learned->at(index) : declared[index];
        };
        for (const auto& text : route.cache->tags) {
            const policy::TagTemplate tag{text};
            for (const auto& values : ways_to_fit(tag, written)) {
                Values tags{tag.literals().front()};
                for (std::size_t i = 0; i < values.size(); ++i) {
                    Values longer;
                    for (const auto& value : spellings(values[i], types_of(tag.names()[i]), ask)) {
                        for (const auto& begun : tags) longer.push_back(begun + value + tag.literals()[i + 1]);
                    }
                    tags = std::move(longer);
                }
                std::move(tags.begin(), tags.end(), std::back_inserter(meant));
            }
        }
    }
    std::sort(meant.begin(), meant.end());
    meant.erase(std::unique(meant.begin(), meant.end()), meant.end());
    return meant;
}

}  // namespace sluice::app
