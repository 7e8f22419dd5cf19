// Texts of the configuration that a request's values are filled into, each encoded for where it stands, so that no value can
// add a segment, a parameter, a field or a member. Pure.
#pragma once

#include "endpoints/request_values.hpp"
#include "json/text_parts.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

using ValueList = std::span<const std::optional<std::string>>;

/// `:name` alone, or text with `{name}`s.
class FilledText {
public:
    /// Throws std::invalid_argument whose text goes on from `'…' `: `names 'x', which is no parameter`, or as
    /// json::parts_of_text.
    FilledText(std::string_view text, std::span<const NamedValue> names);

    /// Which values it is made of, as indexes.
    const std::vector<std::size_t>& values() const noexcept { return values_; }

    /// Nothing: a value is missing. `encode` appends a value.
    std::optional<std::string> fill(ValueList values, void (*encode)(std::string& out, std::string_view value)) const;

private:
    std::vector<std::string> literals_;  // one more than values
    std::vector<std::size_t> values_;
};

void append_as_it_is(std::string& out, std::string_view value);

/// A path in which each value is a segment or a part of one. Nothing: a value is missing, or a segment would be `.` or `..`,
/// which servers take for another path (RFC 3986 section 5.2.4).
std::optional<std::string> fill_path(const FilledText& path, ValueList values);

/// JSON in which a string `":name"` stands for a value: a number or boolean as it is, all else as a string, what is missing
/// as null, and `":body"` for the whole body.
class FilledJson {
public:
    /// `json`: well-formed. Throws as FilledText does.
    FilledJson(std::string_view json, std::span<const NamedValue> names);

    const std::vector<std::size_t>& values() const noexcept { return values_; }
    std::string fill(ValueList values) const;

private:
    enum class Form { as_it_is, string };
    std::vector<std::string> literals_;
    std::vector<std::size_t> values_;
    std::vector<Form> forms_;
};

}  // namespace sluice::endpoints
