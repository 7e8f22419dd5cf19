#include "endpoints/parameters.hpp"

#include "endpoints/array_items.hpp"
#include "json/decimal.hpp"
#include "policy/utf8.hpp"
#include "sql/reserved_names.hpp"
#include "sql/statement.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

std::size_t code_points(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// A request with thousands of unknown parameters must not draw an answer many times its size.
constexpr std::size_t most_errors = 20;

/// A field that is a list may have blanks around its commas (RFC 9110 section 5.6.1).
std::string without_blanks_at_commas(std::string_view list) {
    std::string text;
    for (;;) {
        const auto comma = list.find(',');
        text += trimmed(list.substr(0, comma));
        if (comma == list.npos) return text;
        text += ',';
        list.remove_prefix(comma + 1);
    }
}

/// As a request has it.
std::string_view field_name(const ParameterSettings& parameter) noexcept {
    return std::string_view{parameter.name}.substr(ParameterSettings::header_prefix.size());
}

bool is_numeric(ParameterType type) noexcept { return type == ParameterType::integer || type == ParameterType::number; }

}  // namespace

Parameter::Parameter(ParameterSettings settings)
    : settings_{std::move(settings)},
      numeric_{is_numeric(settings_.type == ParameterType::array ? settings_.items : settings_.type)} {
    for (const auto& choice : settings_.enumeration) choices_.insert(numeric_ ? json::canonical_number(choice) : choice);
    if (settings_.pattern) pattern_.emplace(*settings_.pattern);
}

std::optional<std::string> Parameter::scalar_complaint(ParameterType type, std::string_view text) const {
    const auto numeric_bounds = [&]() -> std::optional<std::string> {
        if (settings_.minimum && json::compare_numbers(text, *settings_.minimum) < 0)
            return "must be at least " + *settings_.minimum;
        if (settings_.maximum && json::compare_numbers(text, *settings_.maximum) > 0)
            return "must be at most " + *settings_.maximum;
        return std::nullopt;
    };
    switch (type) {
        case ParameterType::integer:
            if (!json::is_json_integer(text)) return "must be an integer";
            return numeric_bounds();
        case ParameterType::number:
            if (!json::is_json_number(text)) return "must be a number";
            return numeric_bounds();
        case ParameterType::boolean:
            if (text != "true" && text != "false") return "must be true or false";
            return std::nullopt;
        case ParameterType::string:
        case ParameterType::array:
            break;
    }
    if (settings_.min_length && code_points(text) < *settings_.min_length) {
        return "must have at least " + std::to_string(*settings_.min_length) + " characters";
    }
    if (settings_.max_length && code_points(text) > *settings_.max_length) {
        return "must have at most " + std::to_string(*settings_.max_length) + " characters";
    }
    if (pattern_ && !pattern_->matches(text)) return "must match " + *settings_.pattern;
    if (settings_.format && !json::has_format(*settings_.format, text)) return "must be a valid " + *settings_.format;
    return std::nullopt;
}

bool Parameter::is_choice(std::string_view item) const {
    return numeric_ ? choices_.contains(json::canonical_number(item)) : choices_.contains(item);
}

std::optional<std::string> Parameter::value_complaint(ParameterType type, std::string_view text) const {
    if (auto wrong = scalar_complaint(type, text)) return wrong;
    if (choices_.empty() || is_choice(text)) return std::nullopt;
    std::string message = "must be one of";
    for (const auto& choice : settings_.enumeration) message += " " + choice;
    return message;
}

std::optional<std::string> Parameter::complaint(std::string_view text) const {
    if (text.find('\0') != text.npos) return "must not contain NUL";
    if (settings_.type != ParameterType::array) return value_complaint(settings_.type, text);
    auto items = read_items(text, settings_.style, settings_.items);
    if (auto* wrong = std::get_if<std::string>(&items)) return std::move(*wrong);
    return complaint_about_items(std::get<ArrayItems>(items));
}

std::optional<std::string> Parameter::complaint_about_items(const std::vector<std::string>& items) const {
    if (settings_.min_items && items.size() < *settings_.min_items)
        return "must have at least " + std::to_string(*settings_.min_items) + " items";
    if (settings_.max_items && items.size() > *settings_.max_items)
        return "must have at most " + std::to_string(*settings_.max_items) + " items";
    for (const auto& item : items) {
        if (item.find('\0') != item.npos) return "each item must not contain NUL";
        if (auto wrong = value_complaint(settings_.items, item)) return "each item " + *wrong;
    }
    return std::nullopt;
}

std::size_t Parameter::matching_cost(std::string_view text) const noexcept {
    return pattern_ ? text.size() * pattern_->instructions() : 0;
}

std::string Parameter::bound(std::string_view text) const {
    if (settings_.type != ParameterType::array) return std::string{text};
    return sql::array_literal(std::get<ArrayItems>(read_items(text, settings_.style, settings_.items)));
}

Parameters::Parameters(std::vector<ParameterSettings> settings, std::vector<std::string> path_names) {
    for (auto& one : settings) parameters_.emplace_back(std::move(one));
    for (const auto& name : path_names) {
        const auto found = std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& parameter) {
            return parameter.settings().in_path && parameter.settings().name == name;
        });
        if (found == parameters_.end()) throw std::invalid_argument{"the path parameter '" + name + "' is not declared"};
        path_order_.push_back(static_cast<std::size_t>(found - parameters_.begin()));
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (parameters_[i].settings().in_header) field_order_.push_back(i);
    }
}

Parameters::FieldValues Parameters::fields_of(const Request& request) const {
    FieldValues fields;
    fields.reserve(field_order_.size());
    for (const auto index : field_order_)
        fields.push_back(request.combined_header(field_name(parameters_[index].settings())));
    return fields;
}

std::optional<std::size_t> Parameters::find_in_query(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& settings = parameters_[i].settings();
        if (!settings.in_path && !settings.in_header && settings.name == name) return i;
    }
    return std::nullopt;
}

void Parameters::bind_one(std::size_t index, std::string_view text, std::vector<std::optional<std::string>>& values,
                          std::vector<InputError>& errors) const {
    const auto& parameter = parameters_[index];
    if (auto wrong = parameter.complaint(text)) {
        errors.push_back(input_error(parameter.settings(), std::move(*wrong)));
    } else {
        values[index] = parameter.bound(text);
    }
}

void Parameters::bind_field(std::size_t index, const std::string& value, std::vector<std::optional<std::string>>& values,
                            std::vector<InputError>& errors) const {
    if (!policy::is_utf8(value)) return errors.push_back(input_error(parameters_[index].settings(), "must be UTF-8"));
    const auto& settings = parameters_[index].settings();
    const bool list = settings.type == ParameterType::array && settings.style == ArrayStyle::csv;
    bind_one(index, list ? without_blanks_at_commas(value) : value, values, errors);
}

void Parameters::bind_items(std::size_t index, const std::vector<QueryParameter>& query,
                            std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors) const {
    const auto& parameter = parameters_[index];
    ArrayItems items;
    for (const auto& [name, value] : query) {
        if (name == parameter.settings().name) items.push_back(value);
    }
    if (auto wrong = parameter.complaint_about_items(items)) {
        errors.push_back(input_error(parameter.settings(), std::move(*wrong)));
    } else {
        values[index] = sql::array_literal(items);
    }
}

std::size_t Parameters::matching_cost(Given given) const noexcept {
    std::size_t cost = 0;
    for (std::size_t i = 0; i < std::min(path_order_.size(), given.path_values.size()); ++i)
        cost += parameters_[path_order_[i]].matching_cost(given.path_values[i]);
    for (std::size_t i = 0; i < std::min(field_order_.size(), given.fields.size()); ++i)
        cost += parameters_[field_order_[i]].matching_cost(given.fields[i]);
    for (const auto& [name, value] : given.query) {
        if (const auto index = find_in_query(name)) cost += parameters_[*index].matching_cost(value);
    }
    return cost;
}

void Parameters::bind(Given request, std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
                      Unknown unknown) const {
    for (std::size_t i = 0; i < path_order_.size(); ++i) bind_one(path_order_[i], request.path_values.at(i), values, errors);

    std::vector<bool> given(parameters_.size());
    for (std::size_t i = 0; i < std::min(field_order_.size(), request.fields.size()); ++i) {
        if (request.fields[i].empty()) continue;
        given[field_order_[i]] = true;
        bind_field(field_order_[i], request.fields[i], values, errors);
    }
    for (const auto& [name, value] : request.query) {
        if (errors.size() >= most_errors) return;
        const auto index = find_in_query(name);
        if (!index) {
            if (unknown == Unknown::refused) errors.push_back({"query", name, "is not a parameter of this resource"});
        } else if (given[*index] && parameters_[*index].is_repeated()) {
            continue;  // bound with the first
        } else if (given[*index]) {
            errors.push_back({"query", name, "must be given once"});
        } else {
            given[*index] = true;
            if (parameters_[*index].is_repeated())
                bind_items(*index, request.query, values, errors);
            else
                bind_one(*index, value, values, errors);
        }
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& settings = parameters_[i].settings();
        if (settings.in_path || given[i]) continue;
        if (settings.default_value) {
            values[i] = parameters_[i].bound(*settings.default_value);
        } else if (settings.required) {
            errors.push_back(input_error(settings, "is required"));
        }
    }
}

InputError input_error(const ParameterSettings& parameter, std::string message) {
    if (parameter.in_header) return {"header", std::string{field_name(parameter)}, std::move(message)};
    return {parameter.in_path ? "path" : "query", parameter.name, std::move(message)};
}

void bind_caller(const Identity& identity, std::vector<std::optional<std::string>>& values) {
    const auto first = values.size() - sql::reserved_names.size();
    if (identity.kind == Identity::Kind::api_key) values[first + 1] = identity.id;
    if (identity.kind == Identity::Kind::token) {
        values[first + 2] = identity.id;
        values[first + 3] = identity.claims;
    }
}

}  // namespace sluice::endpoints
