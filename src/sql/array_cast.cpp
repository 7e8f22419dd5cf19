#include "sql/array_cast.hpp"

#include "sluice/request.hpp"
#include "sql/words.hpp"

#include <algorithm>
#include <array>

namespace sluice::sql {
namespace {

using namespace std::string_view_literals;

class TypeReader {
public:
    TypeReader(std::string_view sql, std::size_t at) noexcept : rest_{sql.substr(std::min(at, sql.size()))} {}

    bool names_array() noexcept {
        if (!take("::") && !equal_ignoring_case(take_word(), "as")) return false;
        take_name();
        while (take(".")) take_name();
        // Names of several words, such as `timestamp (3) with time zone`.
        constexpr std::array more{"precision"sv, "varying"sv, "with"sv, "without"sv, "time"sv, "zone"sv};
        for (;;) {
            if (take("(")) {
                const auto close = rest_.find(')');
                if (close == rest_.npos) return false;
                rest_.remove_prefix(close + 1);
            }
            if (take("[")) return true;
            const auto word = take_word();
            if (equal_ignoring_case(word, "array")) return true;
            if (std::none_of(more.begin(), more.end(), [&](auto one) { return equal_ignoring_case(one, word); }))
                return false;
        }
    }

private:
    void skip_space() noexcept {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }
    bool take(std::string_view text) noexcept {
        skip_space();
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    std::string_view take_word() noexcept {
        skip_space();
        const auto end =
            static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), continues_identifier) - rest_.begin());
        const auto word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return word;
    }
    void take_name() noexcept {
        if (!take("\"")) {
            take_word();
            return;
        }
        const auto close = rest_.find('"');
        rest_.remove_prefix(close == rest_.npos ? rest_.size() : close + 1);
    }

    std::string_view rest_;
};

}  // namespace

bool is_cast_to_array(std::string_view sql, std::size_t at) noexcept { return TypeReader{sql, at}.names_array(); }

}  // namespace sluice::sql
