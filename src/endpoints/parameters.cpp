#include "endpoints/parameters.hpp"

#include "endpoints/decimal.hpp"
#include "endpoints/reserved_names.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

std::size_t code_points(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Calls `visit` for each comma-separated item; an empty text is an empty array. Stops at the first `false`.
template <class Visit>
void each_item(std::string_view text, Visit visit) {
    if (text.empty()) return;
    for (;;) {
        const auto comma = text.find(',');
        if (!visit(text.substr(0, comma)) || comma == text.npos) return;
        text.remove_prefix(comma + 1);
    }
}

/// A request with thousands of unknown parameters must not draw an answer many times its size.
constexpr std::size_t most_errors = 20;

bool is_numeric(ParameterType type) noexcept { return type == ParameterType::integer || type == ParameterType::number; }

}  // namespace

Parameter::Parameter(ParameterSettings settings)
    : settings_{std::move(settings)},
      numeric_{is_numeric(settings_.type == ParameterType::array ? settings_.items : settings_.type)} {
    for (const auto& choice : settings_.enumeration) choices_.insert(numeric_ ? canonical_number(choice) : choice);
    if (settings_.pattern) pattern_.emplace(*settings_.pattern);
}

std::optional<std::string> Parameter::scalar_complaint(ParameterType type, std::string_view text) const {
    const auto numeric_bounds = [&]() -> std::optional<std::string> {
        if (settings_.minimum && compare_numbers(text, *settings_.minimum) < 0)
            return "must be at least " + *settings_.minimum;
        if (settings_.maximum && compare_numbers(text, *settings_.maximum) > 0)
            return "must be at most " + *settings_.maximum;
        return std::nullopt;
    };
    switch (type) {
        case ParameterType::integer:
            if (!is_json_integer(text)) return "must be an integer";
            return numeric_bounds();
        case ParameterType::number:
            if (!is_json_number(text)) return "must be a number";
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
    if (settings_.format && !has_format(*settings_.format, text)) return "must be a valid " + *settings_.format;
    return std::nullopt;
}

bool Parameter::is_choice(std::string_view item) const {
    return numeric_ ? choices_.contains(canonical_number(item)) : choices_.contains(item);
}

std::optional<std::string> Parameter::complaint(std::string_view text) const {
    if (text.find('\0') != text.npos) return "must not contain NUL";
    const auto check = [&](ParameterType type, std::string_view item) -> std::optional<std::string> {
        if (auto wrong = scalar_complaint(type, item)) return wrong;
        if (!choices_.empty() && !is_choice(item)) {
            std::string message = "must be one of";
            for (const auto& choice : settings_.enumeration) message += " " + choice;
            return message;
        }
        return std::nullopt;
    };
    if (settings_.type != ParameterType::array) return check(settings_.type, text);
    std::optional<std::string> wrong;
    each_item(text, [&](std::string_view item) {
        wrong = check(settings_.items, item);
        if (wrong) wrong = "each item " + *wrong;
        return !wrong;
    });
    return wrong;
}

std::size_t Parameter::matching_cost(std::string_view text) const noexcept {
    return pattern_ ? text.size() * pattern_->instructions() : 0;
}

std::string Parameter::bound(std::string_view text) const {
    if (settings_.type != ParameterType::array) return std::string{text};
    // PostgreSQL 15, section 8.15.2: every item quoted, so that no item can be taken for NULL or a delimiter.
    std::string literal{'{'};
    each_item(text, [&](std::string_view item) {
        if (literal.size() > 1) literal += ',';
        literal += '"';
        for (const char c : item) {
            if (c == '"' || c == '\\') literal += '\\';
            literal += c;
        }
        literal += '"';
        return true;
    });
    return literal += '}';
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
}

std::optional<std::size_t> Parameters::find_in_query(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (!parameters_[i].settings().in_path && parameters_[i].settings().name == name) return i;
    }
    return std::nullopt;
}

void Parameters::bind_one(std::size_t index, std::string_view text, std::vector<std::optional<std::string>>& values,
                          std::vector<InputError>& errors) const {
    const auto& parameter = parameters_[index];
    if (auto wrong = parameter.complaint(text)) {
        errors.push_back({parameter.settings().in_path ? "path" : "query", parameter.settings().name, std::move(*wrong)});
    } else {
        values[index] = parameter.bound(text);
    }
}

std::size_t Parameters::matching_cost(Given given) const noexcept {
    std::size_t cost = 0;
    for (std::size_t i = 0; i < std::min(path_order_.size(), given.path_values.size()); ++i)
        cost += parameters_[path_order_[i]].matching_cost(given.path_values[i]);
    for (const auto& [name, value] : given.query) {
        if (const auto index = find_in_query(name)) cost += parameters_[*index].matching_cost(value);
    }
    return cost;
}

void Parameters::bind(Given request, std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
                      Unknown unknown) const {
    for (std::size_t i = 0; i < path_order_.size(); ++i) bind_one(path_order_[i], request.path_values.at(i), values, errors);

    std::vector<bool> given(parameters_.size());
    for (const auto& [name, value] : request.query) {
        if (errors.size() >= most_errors) return;
        const auto index = find_in_query(name);
        if (!index) {
            if (unknown == Unknown::refused) errors.push_back({"query", name, "is not a parameter of this resource"});
        } else if (given[*index]) {
            errors.push_back({"query", name, "must be given once"});
        } else {
            given[*index] = true;
            bind_one(*index, value, values, errors);
        }
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
        const auto& settings = parameters_[i].settings();
        if (settings.in_path || given[i]) continue;
        if (settings.default_value) {
            values[i] = parameters_[i].bound(*settings.default_value);
        } else if (settings.required) {
            errors.push_back({"query", settings.name, "is required"});
        }
    }
}

void bind_caller(const Identity& identity, std::vector<std::optional<std::string>>& values) {
    const auto first = values.size() - reserved_names.size();
    if (identity.kind == Identity::Kind::api_key) values[first + 1] = identity.id;
    if (identity.kind == Identity::Kind::token) {
        values[first + 2] = identity.id;
        values[first + 3] = identity.claims;
    }
}

}  // namespace sluice::endpoints
