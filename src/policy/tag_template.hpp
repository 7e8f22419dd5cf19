// Tag templates such as `city:{id}`, compiled once and filled in per request, or by the database per row. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

class TagTemplate {
public:
    /// Throws std::invalid_argument whose text goes on from `the tag …`: `has a '{' without '}'`. A template holds at least
    /// a character, no control characters, and names in pairs of braces.
    explicit TagTemplate(std::string_view text);

    /// What stands around the names, one more than there are.
    const std::vector<std::string>& literals() const noexcept { return literals_; }
    /// The names between braces, in order.
    const std::vector<std::string>& names() const noexcept { return names_; }

    /// The tag, with each name replaced by what `lookup` returns; nothing if a name has no value.
    std::optional<std::string> fill(const std::function<std::optional<std::string>(std::string_view)>& lookup) const;

private:
    std::vector<std::string> literals_;
    std::vector<std::string> names_;
};

}  // namespace sluice::policy
