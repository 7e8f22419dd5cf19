#include "endpoints/error_source.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::endpoints {
namespace {

using Values = std::span<const std::optional<std::string>>;

/// What stands between the first and the last quotation mark, which may hold some itself.
std::string_view quoted(std::string_view message) {
    const auto begin = message.find('"');
    const auto end = message.rfind('"');
    return begin == end ? std::string_view{} : message.substr(begin + 1, end - begin - 1);
}

// These always quote what they refuse, whoever has sent it.
bool quotes_its_value(std::string_view state) { return state == "22P02" || state == "22007" || state == "22008"; }

bool is_zero(std::string_view text) { return text.find('0') != text.npos && text.find_first_not_of("+-0. ") == text.npos; }

template <class Match>
InputSource first_with(Values values, std::size_t parameters, const Match& match) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] && match(*values[i])) return i < parameters ? InputSource::parameters : InputSource::body;
    }
    return InputSource::nothing;
}

}  // namespace

InputSource source_of(const DatabaseError& error, Values values, std::size_t parameters) {
    const std::string_view state = error.sqlstate;
    const std::string_view message =
        error.fields ? std::string_view{error.fields->message} : std::string_view{error.message};
    if (state == "22012") return first_with(values, parameters, is_zero);  // division_by_zero
    const auto part = quoted(message);
    if (!part.empty()) {
        const auto has_part = [&](const std::string& value) { return value.find(part) != value.npos; };
        const auto source = first_with(values, parameters, has_part);
        if (source != InputSource::nothing || quotes_its_value(state)) return source;
    }
    const auto of_body = values.subspan(std::min(parameters, values.size()));
    const auto any = [](const std::string&) { return true; };
    if (first_with(of_body, 0, any) != InputSource::nothing) return InputSource::body;
    return first_with(values, parameters, any);
}

}  // namespace sluice::endpoints
