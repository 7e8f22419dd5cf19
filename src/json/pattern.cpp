#include "json/pattern.hpp"

#include <re2/re2.h>

#include <chrono>
#include <stdexcept>

namespace sluice::json {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

bool is_date(std::string_view text) {
    static const RE2 shape{R"((\d{4})-(\d\d)-(\d\d))"};
    int year = 0;
    int month = 0;
    int day = 0;
    if (!RE2::FullMatch(piece(text), shape, &year, &month, &day)) return false;
    return std::chrono::year_month_day{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                       std::chrono::day{static_cast<unsigned>(day)}}
        .ok();
}

bool is_time(std::string_view text) {
    static const RE2 shape{R"((?i)([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d))"};
    return RE2::FullMatch(piece(text), shape);
}

bool is_date_time(std::string_view text) {
    return text.size() > 11 && is_date(text.substr(0, 10)) && (text[10] == 'T' || text[10] == 't') &&
           is_time(text.substr(11));
}

}  // namespace

Pattern::Pattern(const std::string& expression) {
    RE2::Options options;
    options.set_log_errors(false);
    expression_ = std::make_unique<RE2>(expression, options);
    if (!expression_->ok()) throw std::invalid_argument{expression_->error()};
    instructions_ = static_cast<std::size_t>(expression_->ProgramSize());
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::matches(std::string_view text) const { return RE2::PartialMatch(piece(text), *expression_); }

bool has_format(std::string_view format, std::string_view text) {
    static const RE2 uuid{"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"};
    static const RE2 email{R"([^@\s]+@[^@\s]+)"};
    if (format == "date") return is_date(text);
    if (format == "time") return is_time(text);
    if (format == "date-time") return is_date_time(text);
    if (format == "uuid") return RE2::FullMatch(piece(text), uuid);
    if (format == "email") return RE2::FullMatch(piece(text), email);
    throw std::invalid_argument{"unknown format '" + std::string{format} + "'"};
}

}  // namespace sluice::json
