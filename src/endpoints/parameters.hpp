// Parameters of path, query and header: checked against their declaration, and turned into the text that is bound.
#pragma once

#include "json/pattern.hpp"
#include "sluice/exchange.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// One declared parameter with its pattern compiled.
class Parameter {
public:
    explicit Parameter(ParameterSettings settings);

    const ParameterSettings& settings() const noexcept { return settings_; }

    /// What is wrong with the text, as `must be …`; nothing if it is good. Of a repeated array the text is as its default.
    std::optional<std::string> complaint(std::string_view text) const;
    std::size_t matching_cost(std::string_view text) const noexcept;
    /// The text as PostgreSQL takes it: an array as an array literal, all else as it is.
    std::string bound(std::string_view text) const;

    /// Whether each item comes by itself, as often as there are items.
    bool is_repeated() const noexcept {
        return settings_.type == ParameterType::array && settings_.style == ArrayStyle::repeated;
    }
    /// The same of an array's items.
    std::optional<std::string> complaint_about_items(const std::vector<std::string>& items) const;

private:
    std::optional<std::string> scalar_complaint(ParameterType type, std::string_view text) const;
    std::optional<std::string> value_complaint(ParameterType type, std::string_view text) const;

    bool is_choice(std::string_view item) const;

    ParameterSettings settings_;
    std::optional<json::Pattern> pattern_;
    bool numeric_;                                ///< the value, or each item
    std::set<std::string, std::less<>> choices_;  ///< of the enumeration; numbers in their canonical spelling
};

class Parameters {
public:
    using FieldValues = std::vector<std::string>;

    /// `path_names`: the template's parameters in its order.
    Parameters(std::vector<ParameterSettings> settings, std::vector<std::string> path_names);

    std::size_t size() const noexcept { return parameters_.size(); }
    const Parameter& operator[](std::size_t index) const noexcept { return parameters_[index]; }

    /// What becomes of a query parameter that is not declared.
    enum class Unknown {
        refused,  // it is an error
        ignored,  // it is another route's
    };
    /// Sets `values[i]` for each parameter, or adds to `errors`: bad values, unknown, repeated and missing query parameters.
    void bind(const Exchange& exchange, std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
              Unknown unknown = Unknown::refused) const {
        bind({exchange.path_values, exchange.query, fields_of(exchange.request)}, values, errors, unknown);
    }

    /// What a request has of them.
    struct Given {
        const std::vector<std::string>& path_values;
        const std::vector<QueryParameter>& query;
        const FieldValues& fields;
    };
    /// The fields of the request that are parameters, in the order of those; repeated ones are one list (RFC 9110 section
    /// 5.3), and an empty one is as good as none.
    FieldValues fields_of(const Request& request) const;
    void bind(Given given, std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
              Unknown unknown = Unknown::refused) const;
    /// Instructions that matching the patterns may take at worst, where a text's automaton grows too large to be kept.
    std::size_t matching_cost(Given given) const noexcept;

private:
    void bind_one(std::size_t index, std::string_view text, std::vector<std::optional<std::string>>& values,
                  std::vector<InputError>& errors) const;
    void bind_items(std::size_t index, const std::vector<QueryParameter>& query,
                    std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors) const;
    std::optional<std::size_t> find_in_query(std::string_view name) const noexcept;
    void bind_field(std::size_t index, const std::string& value, std::vector<std::optional<std::string>>& values,
                    std::vector<InputError>& errors) const;

    std::vector<Parameter> parameters_;
    std::vector<std::size_t> path_order_;   // index into parameters_ of each path value
    std::vector<std::size_t> field_order_;  // of each field of the request
};

/// Where an error of a parameter says it is: `path`, `query` or `header`, and the name that a client knows it by.
InputError input_error(const ParameterSettings& parameter, std::string message);

/// Sets the last values of a statement's, those of its reserved names, but for the body.
void bind_caller(const Identity& identity, std::vector<std::optional<std::string>>& values);

}  // namespace sluice::endpoints
