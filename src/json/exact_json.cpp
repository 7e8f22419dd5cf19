#include "json/exact_json.hpp"

#include "json/decimal.hpp"
#include "json/text.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::json {
namespace {

/// Of JSON's number; one value has one form.
Json to_number(std::string_view text) {
    if (const auto integer = to_integer(text)) return *integer;
    const auto canonical = canonical_number(text);
    if (const auto integer = to_integer(canonical)) return *integer;
    return Json::binary({canonical.begin(), canonical.end()});
}

/// What PostgreSQL's numeric and the text itself could hold is more; what a computation with it may cost is bounded here.
bool is_too_large(std::string_view number) {
    constexpr std::size_t digits_without_exponent = 4932;
    if (number.find_first_of("eE") == number.npos && number.size() <= digits_without_exponent) return false;
    if (number.starts_with('-')) number.remove_prefix(1);
    return compare_numbers(number, "1e4932") > 0;
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_{text} {}

    bool read() {
        for (;;) {
            text_.skip_space();
            if (open_.size() == 1) start_ = text_.place();
            bool complete = true;
            if (!read_value(complete)) return false;
            if (!complete) continue;
            remember_source();
            const auto next = follow();
            if (!next) return false;
            if (!*next) return true;
        }
    }

    ExactJson document;
    std::string wrong{no_json};

private:
    /// Scalars and empty containers are complete; of others a value inside is to be read next.
    bool read_value(bool& complete) {
        const char c = text_.peek();
        if (c == '{' || c == '[') {
            if (!open(c == '{' ? Json::object() : Json::array())) return false;
            text_.skip(1);
            text_.skip_space();
            complete = text_.take(c == '{' ? '}' : ']');
            if (complete) open_.pop_back();
            return complete || c == '[' || read_name();
        }
        if (c == '"') {
            std::string value;
            if (!text_.read_string(value)) return false;
            put(std::move(value));
            return true;
        }
        if (text_.take("null")) return put(nullptr) != nullptr;
        if (text_.take("true")) return put(true) != nullptr;
        if (text_.take("false")) return put(false) != nullptr;
        const auto number = text_.take_number();
        if (!is_json_number(number)) return false;
        if (is_too_large(number)) {
            wrong = "must not hold numbers beyond 1e4932";
            return false;
        }
        put(to_number(number));
        return true;
    }

    /// What is behind a value: whether another one is to be read, or nothing if it is not JSON.
    std::optional<bool> follow() {
        while (!open_.empty()) {
            text_.skip_space();
            const bool is_object = open_.back()->is_object();
            if (text_.take(',')) {
                text_.skip_space();
                if (is_object && !read_name()) return std::nullopt;
                return true;
            }
            if (!text_.take(is_object ? '}' : ']')) return std::nullopt;
            open_.pop_back();
            remember_source();
        }
        text_.skip_space();
        if (!text_.at_end()) return std::nullopt;
        return false;
    }

    bool read_name() {
        std::string name;
        if (text_.peek() != '"' || !text_.read_string(name)) return false;
        text_.skip_space();
        if (!text_.take(':')) return false;
        member_ = &(*open_.back())[std::move(name)];
        if (open_.size() == 1) outermost_ = member_;
        return true;
    }

    Json* put(Json value) {
        auto* place = open_.empty() ? &document.root : member_;
        if (!open_.empty() && open_.back()->is_array()) place = &open_.back()->emplace_back();
        *place = std::move(value);
        return place;
    }

    bool open(Json empty) {
        if (open_.size() == deepest_nesting) {
            wrong = "must not be nested more than " + std::to_string(deepest_nesting) + " levels deep";
            return false;
        }
        open_.push_back(put(std::move(empty)));
        return true;
    }

    void remember_source() {
        if (open_.size() == 1 && open_.front()->is_object()) document.sources[outermost_] = text_.since(start_);
    }

    JsonText text_;
    std::vector<Json*> open_;
    Json* member_ = nullptr;
    Json* outermost_ = nullptr;  ///< the outermost object's member that is being read
    std::size_t start_ = 0;      ///< of its value
};

}  // namespace

std::variant<ExactJson, std::string> read_exactly(std::string_view text) {
    Reader reader{text};
    if (!reader.read()) return reader.wrong;
    return std::move(reader.document);
}

std::string number_text(const Json& number) {
    if (number.is_number_integer()) return std::to_string(number.get<std::int64_t>());
    const auto& bytes = number.get_binary();
    return {bytes.begin(), bytes.end()};
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

}  // namespace sluice::json
