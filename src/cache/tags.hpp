// Tag templates such as `city:{id}`, compiled once and filled in per request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cache {

class TagTemplate {
public:
    /// Throws std::invalid_argument for unbalanced braces or an empty name.
    explicit TagTemplate(std::string_view text);

    /// The names between braces, in order.
    const std::vector<std::string>& names() const noexcept { return names_; }

    /// The tag, with each name replaced by what `lookup` returns; nothing if a name has no value.
    std::optional<std::string> fill(const std::function<std::optional<std::string>(std::string_view)>& lookup) const;

private:
    std::vector<std::string> literals_;  // one more than names
    std::vector<std::string> names_;
};

}  // namespace sluice::cache
