#include "endpoints/filled_text.hpp"

#include "policy/percent_encoding.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace sluice::endpoints {
namespace {

std::size_t index_of(std::string_view name, std::span<const NamedValue> names) {
    const auto found = std::find_if(names.begin(), names.end(), [&](const NamedValue& one) { return one.name == name; });
    if (found == names.end()) throw std::invalid_argument{"names '" + std::string{name} + "', which is no parameter"};
    if (found->type == ParameterType::array)
        throw std::invalid_argument{"names '" + std::string{name} + "', which is an array"};
    return static_cast<std::size_t>(found - names.begin());
}

void append_as_string(std::string& out, std::string_view value) {
    out += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void append_as_it_is(std::string& out, std::string_view value) { out += value; }

FilledText::FilledText(std::string_view text, std::span<const NamedValue> names) {
    auto parts = json::parts_of_text(text);
    literals_ = std::move(parts.literals);
    for (const auto& name : parts.names) values_.push_back(index_of(name, names));
}

std::optional<std::string> FilledText::fill(ValueList values,
                                            void (*encode)(std::string& out, std::string_view value)) const {
    std::string text = literals_.front();
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const auto& value = values[values_[i]];
        if (!value) return std::nullopt;
        encode(text, *value);
        text += literals_[i + 1];
    }
    return text;
}

std::optional<std::string> fill_path(const FilledText& path, ValueList values) {
    auto filled = path.fill(values, policy::append_as_component);
    if (!filled) return std::nullopt;
    for (std::string_view rest{*filled}; !rest.empty();) {
        rest.remove_prefix(1);  // the slash
        const auto segment = rest.substr(0, rest.find('/'));
        if (segment == "." || segment == "..") return std::nullopt;
        rest.remove_prefix(segment.size());
    }
    return filled;
}

FilledJson::FilledJson(std::string_view json, std::span<const NamedValue> names) {
    auto parts = json::parts_of_json(json);
    literals_ = std::move(parts.literals);
    for (const auto& name : parts.names) {
        const auto index = index_of(name, names);
        const bool is_json = names[index].type != ParameterType::string || name == "body" || name == "claims";
        values_.push_back(index);
        forms_.push_back(is_json ? Form::as_it_is : Form::string);
    }
}

std::string FilledJson::fill(ValueList values) const {
    std::string json = literals_.front();
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const auto& value = values[values_[i]];
        if (!value)
            json += "null";
        else if (forms_[i] == Form::as_it_is)
            json += *value;
        else
            append_as_string(json, *value);
        json += literals_[i + 1];
    }
    return json;
}

}  // namespace sluice::endpoints
