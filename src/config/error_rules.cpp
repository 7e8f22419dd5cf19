#include "config/error_rules.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::config {
namespace {

constexpr std::size_t state_length = 5;
constexpr std::size_t class_length = 2;

bool is_state(std::string_view text) {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); };
    return (text.size() == state_length || text.size() == class_length) && std::all_of(text.begin(), text.end(), fits);
}

std::optional<unsigned> status_of(const Node& node) {
    unsigned status = 0;
    const auto* end = node.text.data() + node.text.size();
    const bool whole = node.is(Node::Kind::scalar) && std::from_chars(node.text.data(), end, status).ptr == end;
    return whole && status >= 400 && status <= 599 ? std::optional{status} : std::nullopt;
}

}  // namespace

ErrorRules read_error_rules(Section& section) {
    ErrorRules rules;
    rules.messages = section.flag("messages");
    const auto* errors = section.find("errors");
    if (!errors) return rules;
    if (!errors->is(Node::Kind::mapping)) {
        section.fail(*errors, "'errors' must be a mapping of SQLSTATEs to statuses, such as { \"45000\": 409 }");
        return rules;
    }
    for (const auto& member : errors->members) {
        const auto status = status_of(member.value);
        if (!is_state(member.name)) {
            section.mistakes().add(member.location,
                                   "'" + member.name + "' is no SQLSTATE: five digits or capitals, or the two of a class");
        } else if (!status) {
            section.fail(member.value, "the status for '" + member.name + "' must be 400 to 599");
        } else {
            rules.statuses[member.name] = *status;
        }
    }
    return rules;
}

void add_defaults(ErrorRules& rules, const ErrorRules& of_file) {
    if (!rules.messages) rules.messages = of_file.messages;
    rules.statuses.insert(of_file.statuses.begin(), of_file.statuses.end());
}

}  // namespace sluice::config
