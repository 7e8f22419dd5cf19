#include "endpoints/json_body.hpp"

#include "sluice/request.hpp"

#include <nlohmann/json.hpp>

namespace sluice::endpoints {
namespace {

/// Walks over JSON that was already found valid, so that every assumption below holds.
class Walker {
public:
    explicit Walker(std::string_view text) : text_{text} {}

    void skip_space() {
        while (at_ < text_.size() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) ++at_;
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip(std::size_t count) { at_ += count; }

    /// The string token, with its quotes.
    std::string_view string() {
        const auto start = at_++;
        while (peek() != '"') at_ += peek() == '\\' ? 2 : 1;
        ++at_;
        return text_.substr(start, at_ - start);
    }

    /// Any value, as it stands.
    std::string_view value() {
        const auto start = at_;
        if (peek() == '"') return string();
        std::size_t depth = 0;
        while (at_ < text_.size()) {
            const char c = peek();
            if (c == '"') {
                string();
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) break;
            ++at_;
            if ((c == '}' || c == ']') && --depth == 0) break;
        }
        return text_.substr(start, at_ - start);
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<RawMember> top_level_members(std::string_view json) {
    std::vector<RawMember> members;
    Walker walker{json};
    walker.skip_space();
    if (walker.peek() != '{') return members;
    walker.skip(1);
    for (;;) {
        walker.skip_space();
        if (walker.peek() != '"') return members;  // the closing brace
        auto name = nlohmann::json::parse(walker.string()).get<std::string>();
        walker.skip_space();
        walker.skip(1);  // the colon
        walker.skip_space();
        members.push_back({std::move(name), walker.value()});
        walker.skip_space();
        if (walker.peek() == ',') walker.skip(1);
    }
}

bool is_json_media_type(std::string_view content_type) noexcept {
    auto type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
    if (equal_ignoring_case(type, "application/json")) return true;
    constexpr std::string_view suffix = "+json";
    return type.size() > suffix.size() && equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
}

}  // namespace sluice::endpoints
