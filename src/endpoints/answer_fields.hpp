// The header fields that a route declares for its successful answers, filled in from the row that is answered and from the
// request. Pure. Hides how values are encoded for their place.
#pragma once

#include "policy/tag_template.hpp"
#include "sluice/response.hpp"
#include "sluice/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

class AnswerFields {
public:
    using Values = std::vector<std::optional<std::string>>;
    /// A longer field is left out.
    static constexpr std::size_t longest = 4096;

    /// Throws std::invalid_argument for a value that is no template.
    explicit AnswerFields(const RouteSettings& route);

    bool empty() const noexcept { return fields_.empty(); }
    /// Whether some of them may need the row.
    bool need_row() const noexcept { return need_row_; }

    /// `values`: as they are bound. `row`: a JSON object; empty: there is none. A name stands for the row's member, then for
    /// the parameter, then for the body's property. What has no value, or is empty, `.` or `..` in a URI, leaves its field
    /// out.
    void add_to(HeaderBlock& headers, const Values& values, std::string_view row) const;

    /// The columns that the row must have, since nothing else has such a name; and the field that names each.
    struct Needed {
        std::string column;
        std::size_t field;  ///< index in RouteSettings::headers
    };
    const std::vector<Needed>& needed() const noexcept { return needed_; }

private:
    struct Field {
        std::string name;
        policy::TagTemplate value;
        bool is_uri;
    };
    std::optional<std::string> filled(const Field& field, const Values& values, std::string_view row) const;
    std::optional<std::string> value_of(const std::string& name, const Values& values, std::string_view row) const;

    std::vector<Field> fields_;
    std::vector<std::string> names_;  // of the values
    std::vector<Needed> needed_;
    const bool has_row_;
    bool need_row_ = false;
};

}  // namespace sluice::endpoints
