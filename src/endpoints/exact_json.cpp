#include "endpoints/exact_json.hpp"

#include "endpoints/decimal.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::endpoints {
namespace {

// The parser turns each number into a float as well and ends at one that is out of range; this one's reaches to 1e4932.
using WideJson = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, long double>;

class Reader final : public nlohmann::json_sax<WideJson> {
public:
    bool null() override { return put(nullptr) != nullptr; }
    bool boolean(bool value) override { return put(value) != nullptr; }
    bool number_integer(std::int64_t value) override { return number(std::to_string(value)); }
    bool number_unsigned(std::uint64_t value) override { return number(std::to_string(value)); }
    bool number_float(long double /*value*/, const std::string& text) override { return number(text); }
    bool string(std::string& value) override { return put(std::move(value)) != nullptr; }
    bool binary(WideJson::binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*count*/) override { return open(Json::object()); }
    bool start_array(std::size_t /*count*/) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override {
        document.longest_name = std::max(document.longest_name, name.size());
        member_ = &(*open_.back())[name];
        return true;
    }
    bool parse_error(std::size_t /*place*/, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override {
        constexpr int out_of_range = 406;
        wrong = error.id == out_of_range ? "must not hold numbers beyond 1e4932" : no_json;
        return false;
    }

    ExactJson document;
    std::string wrong;

private:
    Json* put(Json value) {
        auto* place = open_.empty() ? &document.root : member_;
        if (!open_.empty() && open_.back()->is_array()) place = &open_.back()->emplace_back();
        *place = std::move(value);
        return place;
    }
    bool number(const std::string& text) {
        const auto canonical = canonical_number(text);
        return put(Json::binary({canonical.begin(), canonical.end()})) != nullptr;
    }
    bool open(Json empty) {
        if (open_.size() == deepest_nesting) {
            wrong = "must not be nested more than " + std::to_string(deepest_nesting) + " levels deep";
            return false;
        }
        open_.push_back(put(std::move(empty)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::vector<Json*> open_;
    Json* member_ = nullptr;
};

}  // namespace

std::variant<ExactJson, std::string> read_exactly(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    // nlohmann/json skips the mark and takes a NUL for the end of its input; JSON has neither.
    if (text.starts_with(byte_order_mark) || text.find('\0') != text.npos) return std::string{no_json};
    Reader reader;
    if (!WideJson::sax_parse(text.begin(), text.end(), &reader)) return reader.wrong;
    return std::move(reader.document);
}

std::string_view number_text(const Json& number) {
    const auto& bytes = number.get_binary();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string for_display(const Json& value) {
    constexpr std::size_t longest = 200;
    std::string text;
    if (is_number(value)) {
        text = number_text(value);
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size() && text.size() <= longest; ++i)
            text.append(i == 0 ? "" : i + 1 < value.size() ? ", " : " or ").append(for_display(value[i]));
    } else if (value.is_object()) {
        text = "{…}";
    } else {
        text = value.is_string() ? value.get<std::string>() : value.dump();
    }
    if (text.size() <= longest) return text;
    auto end = longest;
    while ((static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;  // not in the middle of a character
    return text.substr(0, end) + "…";
}

}  // namespace sluice::endpoints
