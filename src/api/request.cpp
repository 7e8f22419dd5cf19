#include "sluice/request.hpp"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 7> method_names{{
    {Method::get, "GET"},
    {Method::head, "HEAD"},
    {Method::post, "POST"},
    {Method::put, "PUT"},
    {Method::patch, "PATCH"},
    {Method::delete_, "DELETE"},
    {Method::options, "OPTIONS"},
}};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

std::string_view to_string(Method method) noexcept {
    for (const auto& [value, name] : method_names) {
        if (value == method) return name;
    }
    return "GET";
}

std::optional<Method> method_from(std::string_view name) noexcept {
    for (const auto& [value, text] : method_names) {
        if (text == name) return value;  // methods are case-sensitive: RFC 9110 section 9.1
    }
    return std::nullopt;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
    for (const auto& field : headers) {
        if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::string Request::combined_header(std::string_view name) const {
    std::string values;
    for (const auto& field : headers) {
        if (!equal_ignoring_case(field.name, name)) continue;
        if (!values.empty()) values += ", ";
        values += field.value;
    }
    return values;
}

std::size_t Request::header_count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        headers.begin(), headers.end(), [&](const HeaderField& field) { return equal_ignoring_case(field.name, name); }));
}

}  // namespace sluice
