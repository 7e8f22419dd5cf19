// The tags of one request's answer or write, from the templates of its route. Pure.
#pragma once

#include "policy/tag_template.hpp"
#include "postgres/connection/parameter_types.hpp"
#include "sluice/ports/database.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// A value as it stands in tags, once for each type that its parameter has: PostgreSQL may read one text as several types,
/// and which of them a table's column has is not known. Empty: there is no value.
using Spellings = std::vector<std::string>;

class RouteTags {
public:
    /// `declared`: the types of parameters of which PostgreSQL has said none.
    RouteTags(std::vector<policy::TagTemplate> templates, const StatementSpec& statement, postgres::ParameterTypes declared);

    /// Whether no parameter is named, so that there is nothing to spell.
    bool constant() const noexcept { return named_.empty(); }

    /// A value that only PostgreSQL can spell.
    struct Question {
        std::size_t parameter = 0;
        unsigned type = 0;
        std::string text;
    };
    struct Spelled {
        std::vector<Spellings> parameters;  ///< in the order of the statement's; only those that a template names
        std::vector<Question> open;         ///< theirs are missing until `answer` adds them
    };
    /// `learned`: what PostgreSQL has inferred; null: not known.
    Spelled spell(const std::vector<std::optional<std::string>>& values, const postgres::ParameterTypes* learned) const;

    /// Names stand for parameters, then for the members of `row`, a JSON object (empty: there is none). A template with a
    /// name that has no value is left out.
    std::vector<std::string> fill(const std::vector<Spellings>& parameters, std::string_view row = {}) const;

private:
    const std::vector<policy::TagTemplate> templates_;
    const std::vector<std::string> parameters_;
    const postgres::ParameterTypes declared_;
    std::vector<std::size_t> named_;  // parameters
};

/// Adds PostgreSQL's answer to what was open: the JSON of the rows of postgres::tag_value_statement. Empty: there is none,
/// and the texts stand in as they are.
void answer(RouteTags::Spelled& spelled, std::string_view rows);

}  // namespace sluice::endpoints
