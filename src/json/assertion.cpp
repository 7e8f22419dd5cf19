#include "json/assertion.hpp"

#include "json/comparison.hpp"
#include "json/decimal.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <stdexcept>

namespace sluice::json {
namespace {

using Holds = decltype(Assertion::holds);

constexpr std::size_t bytes_per_step = 64;  // that are looked at one after the other

const std::string* text_of(const Json& value) { return value.get_ptr<const Json::string_t*>(); }

bool has_type(std::string_view type, const Json& value, Findings& findings) {
    if (type == "integer") {
        if (!value.is_binary()) return value.is_number_integer();
        findings.count(value.get_binary().size() / bytes_per_step);
        return has_integer_value(number_text(value));
    }
    if (type == "number") return is_number(value);
    if (type == "string") return value.is_string();
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "boolean") return value.is_boolean();
    return value.is_null();
}

bool is_of_type(const Assertion& assertion, const Json& value, Findings& findings) {
    return std::any_of(assertion.texts.begin(), assertion.texts.end(),
                       [&](const std::string& type) { return has_type(type, value, findings); });
}

bool is_one_of(const Assertion& assertion, const Json& value, Findings& findings) {
    return is_among(assertion.sorted, value, findings);
}

std::strong_ordering compare_to_bound(const Assertion& assertion, const Json& number, Findings& findings) {
    if (number.is_number_integer() && assertion.bound.is_number_integer())
        return number.get<std::int64_t>() <=> assertion.bound.get<std::int64_t>();
    findings.count(2 + (number.is_binary() ? number.get_binary().size() / bytes_per_step : 0));
    return compare_numbers(number_text(number), number_text(assertion.bound));
}

template <bool (*Fits)(std::strong_ordering)>
bool is_within(const Assertion& assertion, const Json& value, Findings& findings) {
    return !is_number(value) || Fits(compare_to_bound(assertion, value, findings));
}

bool at_most(std::strong_ordering order) { return std::is_lteq(order); }
bool at_least(std::strong_ordering order) { return std::is_gteq(order); }
bool less(std::strong_ordering order) { return std::is_lt(order); }
bool more(std::strong_ordering order) { return std::is_gt(order); }

bool is_multiple_of(const Assertion& assertion, const Json& value, Findings& findings) {
    if (!is_number(value)) return true;
    findings.count(4 + (value.is_binary() ? value.get_binary().size() / bytes_per_step : 0));
    return is_multiple(number_text(value), assertion.text);
}

std::size_t code_points(const std::string& text, Findings& findings) {
    findings.count(text.size() / bytes_per_step);
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

bool is_not_longer(const Assertion& assertion, const Json& value, Findings& findings) {
    const auto* text = text_of(value);
    return !text || text->size() <= assertion.count || code_points(*text, findings) <= assertion.count;
}

bool is_not_shorter(const Assertion& assertion, const Json& value, Findings& findings) {
    const auto* text = text_of(value);
    return !text || (text->size() >= assertion.count && code_points(*text, findings) >= assertion.count);
}

bool has_at_most_items(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_array() || value.size() <= assertion.count;
}
bool has_at_least_items(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_array() || value.size() >= assertion.count;
}
bool has_at_most_members(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_object() || value.size() <= assertion.count;
}
bool has_at_least_members(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_object() || value.size() >= assertion.count;
}

bool matches(const Assertion& assertion, const Json& value, Findings& findings) {
    const auto* text = text_of(value);
    if (!text) return true;
    findings.count_match(text->size(), assertion.pattern->instructions());
    return assertion.pattern->matches(*text);
}

bool is_formatted(const Assertion& assertion, const Json& value, Findings& findings) {
    constexpr std::size_t instructions = 64;  // none has more
    const auto* text = text_of(value);
    if (!text) return true;
    findings.count_match(text->size(), instructions);
    return has_format(assertion.text, *text);
}

bool has_no_item_twice(const Assertion&, const Json& value, Findings& findings) {
    return !value.is_array() || are_unique(value, findings);
}

bool has_member(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_object() || value.contains(assertion.text);
}

bool has_members_together(const Assertion& assertion, const Json& value, Findings&) {
    return !value.is_object() || !value.contains(assertion.text) || value.contains(assertion.other);
}

Holds rule_of(std::string_view word) {
    static const std::map<std::string_view, Holds> rules{
        {"type", is_of_type},
        {"enum", is_one_of},
        {"const", is_one_of},
        {"maximum", is_within<at_most>},
        {"minimum", is_within<at_least>},
        {"exclusiveMaximum", is_within<less>},
        {"exclusiveMinimum", is_within<more>},
        {"multipleOf", is_multiple_of},
        {"maxLength", is_not_longer},
        {"minLength", is_not_shorter},
        {"maxItems", has_at_most_items},
        {"minItems", has_at_least_items},
        {"maxProperties", has_at_most_members},
        {"minProperties", has_at_least_members},
        {"pattern", matches},
        {"format", is_formatted},
        {"uniqueItems", has_no_item_twice},
    };
    return rules.at(word);
}

std::vector<Json> sorted(std::vector<Json> values) {
    Findings unlimited{StepBudget{SIZE_MAX, 1}};
    std::sort(values.begin(), values.end(),
              [&](const Json& a, const Json& b) { return std::is_lt(compare(a, b, unlimited)); });
    return values;
}

}  // namespace

Assertion assertion_of(std::string_view word, const Json& value, std::string message) {
    Assertion assertion;
    assertion.holds = rule_of(word);
    assertion.message = std::move(message);
    if (word == "type") {
        assertion.texts =
            value.is_array() ? value.get<std::vector<std::string>>() : std::vector<std::string>{value.get<std::string>()};
    } else if (word == "enum") {
        assertion.sorted = sorted({value.begin(), value.end()});
    } else if (word == "const") {
        assertion.sorted.push_back(value);
    } else if (word == "pattern") {
        assertion.pattern = std::make_shared<const Pattern>(value.get<std::string>());
    } else if (value.is_string()) {
        assertion.text = value.get<std::string>();
    } else if (is_number(value)) {
        assertion.bound = value;
        assertion.text = number_text(value);
        if (value.is_number_integer()) assertion.count = value.get<std::size_t>();
    }
    return assertion;
}

Assertion required_member(const std::string& name, std::string message) {
    Assertion assertion;
    assertion.holds = has_member;
    assertion.message = std::move(message);
    assertion.text = name;
    return assertion;
}

Assertion required_together(const std::string& name, const std::string& needed, std::string message) {
    Assertion assertion;
    assertion.holds = has_members_together;
    assertion.message = std::move(message);
    assertion.text = name;
    assertion.other = needed;
    return assertion;
}

}  // namespace sluice::json
