// Path and query parameters: checked against their declaration, and turned into the text that is bound.
#pragma once

#include "endpoints/pattern.hpp"
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

    /// What is wrong with the text, as `must be …`; nothing if it is good.
    std::optional<std::string> complaint(std::string_view text) const;
    std::size_t matching_cost(std::string_view text) const noexcept;
    /// The text as PostgreSQL takes it: an array as an array literal, all else as it is.
    std::string bound(std::string_view text) const;

private:
    std::optional<std::string> scalar_complaint(ParameterType type, std::string_view text) const;

    bool is_choice(std::string_view item) const;

    ParameterSettings settings_;
    std::optional<Pattern> pattern_;
    bool numeric_;                                ///< the value, or each item
    std::set<std::string, std::less<>> choices_;  ///< of the enumeration; numbers in their canonical spelling
};

class Parameters {
public:
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
        bind({exchange.path_values, exchange.query}, values, errors, unknown);
    }

    /// What a request has of them.
    struct Given {
        const std::vector<std::string>& path_values;
        const std::vector<QueryParameter>& query;
    };
    void bind(Given given, std::vector<std::optional<std::string>>& values, std::vector<InputError>& errors,
              Unknown unknown = Unknown::refused) const;
    /// Instructions that matching the patterns may take at worst, where a text's automaton grows too large to be kept.
    std::size_t matching_cost(Given given) const noexcept;

private:
    void bind_one(std::size_t index, std::string_view text, std::vector<std::optional<std::string>>& values,
                  std::vector<InputError>& errors) const;
    std::optional<std::size_t> find_in_query(std::string_view name) const noexcept;

    std::vector<Parameter> parameters_;
    std::vector<std::size_t> path_order_;  // index into parameters_ of each path value
};

/// Sets the last values of a statement's, those of its reserved names, but for the body.
void bind_caller(const Identity& identity, std::vector<std::optional<std::string>>& values);

}  // namespace sluice::endpoints
