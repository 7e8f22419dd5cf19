#include "json/pointer.hpp"

#include "json/text.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <stdexcept>

namespace sluice::json {
namespace {

constexpr std::string_view openings = "{[";
constexpr std::string_view closings = "}]";

void skip_string(JsonText& text) {
    text.skip(1);
    while (!text.at_end() && text.peek() != '"') text.skip(text.peek() == '\\' ? 2 : 1);
    text.skip(1);
}

/// Over the value that begins here.
void skip_value(JsonText& text) {
    std::size_t depth = 0;
    do {
        text.skip_space();
        const char c = text.peek();
        if (c == '"') {
            skip_string(text);
        } else if (openings.find(c) != openings.npos) {
            ++depth;
            text.skip(1);
        } else if (closings.find(c) != closings.npos) {
            --depth;
            text.skip(1);
        } else if (c == ',' || c == ':') {
            text.skip(1);
        } else {
            constexpr std::string_view ends = " \t\r\n,:]}";
            while (!text.at_end() && ends.find(text.peek()) == ends.npos) text.skip(1);
        }
    } while (depth > 0 && !text.at_end());
}

std::string_view take_value(JsonText& text) {
    text.skip_space();
    const auto begin = text.place();
    skip_value(text);
    return text.since(begin);
}

std::optional<std::string_view> member_of(std::string_view object, const std::string& name) {
    JsonText text{object};
    std::optional<std::string_view> found;
    std::string key;
    text.skip(1);
    for (text.skip_space(); !text.at_end() && text.peek() != '}'; text.skip_space()) {
        key.clear();
        if (!text.read_string(key)) return std::nullopt;
        text.skip_space();
        text.skip(1);  // the colon
        const auto value = take_value(text);
        if (key == name) found = value;
        text.skip_space();
        if (!text.take(',')) break;
    }
    return found;
}

std::optional<std::string_view> item_of(std::string_view array, const std::string& step) {
    std::size_t index = 0;
    const auto* const end = step.data() + step.size();
    if (step.empty() || (step.size() > 1 && step.front() == '0')) return std::nullopt;
    if (const auto [last, error] = std::from_chars(step.data(), end, index); error != std::errc{} || last != end)
        return std::nullopt;
    JsonText text{array};
    text.skip(1);
    for (text.skip_space(); !text.at_end() && text.peek() != ']'; text.skip_space()) {
        const auto value = take_value(text);
        if (index-- == 0) return value;
        text.skip_space();
        if (!text.take(',')) break;
    }
    return std::nullopt;
}

std::string unescaped(std::string_view step) {
    std::string plain;
    for (std::size_t i = 0; i < step.size(); ++i) {
        if (step[i] != '~') {
            plain += step[i];
            continue;
        }
        const char code = i + 1 < step.size() ? step[i + 1] : '\0';
        if (code != '0' && code != '1') throw std::invalid_argument{"has a '~' that is neither '~0' nor '~1'"};
        plain += code == '0' ? '~' : '/';
        ++i;
    }
    return plain;
}

}  // namespace

TextPointer::TextPointer(std::string_view pointer) {
    if (!pointer.empty() && pointer.front() != '/') throw std::invalid_argument{"must be empty or begin with '/'"};
    while (!pointer.empty()) {
        pointer.remove_prefix(1);
        const auto end = pointer.find('/');
        steps_.push_back(unescaped(pointer.substr(0, end)));
        pointer.remove_prefix(std::min(end, pointer.size()));
    }
}

std::optional<std::string_view> TextPointer::find(std::string_view json) const {
    JsonText whole{json};
    std::optional<std::string_view> value = take_value(whole);
    for (const auto& step : steps_) {
        if (!value) return value;
        if (value->starts_with('{'))
            value = member_of(*value, step);
        else if (value->starts_with('['))
            value = item_of(*value, step);
        else
            return std::nullopt;
    }
    return value;
}

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

}  // namespace sluice::json
