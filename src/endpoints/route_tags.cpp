#include "endpoints/route_tags.hpp"

#include "endpoints/tag_value.hpp"
#include "json/exact_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace sluice::endpoints {
namespace {

void add(Spellings& spellings, std::string text) {
    if (std::find(spellings.begin(), spellings.end(), text) == spellings.end()) spellings.push_back(std::move(text));
}

Spellings spellings_in(const json::ExactJson& row, const std::string& name) {
    if (!row.root.is_object()) return {};
    const auto found = row.root.find(name);
    if (found == row.root.end()) return {};
    auto text = spell_json(row.sources.at(&*found));
    return text ? Spellings{std::move(*text)} : Spellings{};
}

}  // namespace

RouteTags::RouteTags(std::vector<policy::TagTemplate> templates, const StatementSpec& statement,
                     postgres::ParameterTypes declared)
    : templates_{std::move(templates)}, parameters_{statement.parameters}, declared_{std::move(declared)} {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const bool named = std::any_of(templates_.begin(), templates_.end(), [&](const policy::TagTemplate& one) {
            return std::find(one.names().begin(), one.names().end(), parameters_[i]) != one.names().end();
        });
        if (named) named_.push_back(i);
    }
}

RouteTags::Spelled RouteTags::spell(const std::vector<std::optional<std::string>>& values,
                                    const postgres::ParameterTypes* learned) const {
    Spelled spelled;
    spelled.parameters.resize(parameters_.size());
    for (const auto parameter : named_) {
        const auto& value = values[parameter];
        if (!value) continue;
        const bool known = learned && parameter < learned->size() && !(*learned)[parameter].empty();
        for (const auto& type : known ? (*learned)[parameter] : declared_[parameter]) {
            auto text = endpoints::spell(type.spelling, *value);
            if (!text && type.oid != 0) {
                spelled.open.push_back({parameter, type.oid, *value});
                continue;
            }
            add(spelled.parameters[parameter], text ? std::move(*text) : *value);
        }
    }
    return spelled;
}

std::vector<std::string> RouteTags::fill(const std::vector<Spellings>& parameters, std::string_view row) const {
    const auto read = json::read_exactly(row.empty() ? "{}" : row);
    const auto* const document = std::get_if<json::ExactJson>(&read);
    const auto spellings_of = [&](const std::string& name) {
        const auto found = std::find(parameters_.begin(), parameters_.end(), name);
        const auto index = static_cast<std::size_t>(found - parameters_.begin());
        if (index < parameters.size() && !parameters[index].empty()) return parameters[index];
        return document ? spellings_in(*document, name) : Spellings{};
    };
    std::vector<std::string> filled;
    for (const auto& one : templates_) {
        std::vector<std::string> tags{one.literals().front()};
        for (std::size_t i = 0; i < one.names().size(); ++i) {
            std::vector<std::string> longer;
            for (const auto& value : spellings_of(one.names()[i])) {
                for (const auto& tag : tags) longer.push_back(tag + value + one.literals()[i + 1]);
            }
            tags = std::move(longer);
        }
        std::move(tags.begin(), tags.end(), std::back_inserter(filled));
    }
    return filled;
}

void answer(RouteTags::Spelled& spelled, std::string_view rows) {
    const auto answers = rows.empty() ? nlohmann::json::array() : nlohmann::json::parse(rows);
    for (std::size_t i = 0; i < spelled.open.size(); ++i) {
        const auto& question = spelled.open[i];
        const bool told = i < answers.size() && answers[i].at("tag").is_string();
        add(spelled.parameters[question.parameter], told ? answers[i].at("tag").get<std::string>() : question.text);
    }
    spelled.open.clear();
}

}  // namespace sluice::endpoints
