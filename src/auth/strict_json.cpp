#include "auth/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace sluice::auth {
namespace {

using nlohmann::json;

constexpr std::size_t deepest = 64;

/// Looks on while the text is parsed, and stops the parser at what is not strict.
class StrictnessCheck final : public nlohmann::json_sax<json> {
public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return enter(); }
    bool key(string_t& name) override { return names_.back().insert(name).second; }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

private:
    bool enter() {
        names_.emplace_back();
        return names_.size() <= deepest;
    }
    bool leave() {
        names_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> names_;  // of the objects and arrays that are open
};

}  // namespace

std::optional<json> parse_strict_object(std::string_view text) {
    // The parser skips a byte order mark; RFC 8259 section 8.1 lets us refuse it, and a token has no other reader to please.
    if (text.starts_with("\xEF\xBB\xBF")) return std::nullopt;
    // To the parser NUL is the end, whatever comes after it.
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    StrictnessCheck check;
    if (!json::sax_parse(text, &check)) return std::nullopt;
    auto value = json::parse(text, nullptr, false);
    if (!value.is_object()) return std::nullopt;
    return value;
}

}  // namespace sluice::auth
