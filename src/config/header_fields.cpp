#include "config/header_fields.hpp"

#include "sluice/request.hpp"

#include <algorithm>
#include <array>

namespace sluice::config {
namespace {

using namespace std::string_view_literals;

/// Set per answer: a fixed value would be wrong for some of them.
constexpr std::array managed{"Accept"sv,
                             "Age"sv,
                             "Allow"sv,
                             "Cache-Control"sv,
                             "Cache-Status"sv,
                             "Connection"sv,
                             "Content-Encoding"sv,
                             "Content-Length"sv,
                             "Content-Range"sv,
                             "Content-Type"sv,
                             "Date"sv,
                             "ETag"sv,
                             "Keep-Alive"sv,
                             "Last-Modified"sv,
                             "Location"sv,
                             "Proxy-Connection"sv,
                             "RateLimit"sv,
                             "RateLimit-Policy"sv,
                             "Retry-After"sv,
                             "Server"sv,
                             "TE"sv,
                             "Trailer"sv,
                             "Transfer-Encoding"sv,
                             "Upgrade"sv,
                             "Vary"sv,
                             "WWW-Authenticate"sv,
                             "X-Request-Id"sv};
constexpr std::string_view managed_beginning = "X-RateLimit-";

bool begins_with(std::string_view name, std::string_view beginning) {
    return name.size() >= beginning.size() && equal_ignoring_case(name.substr(0, beginning.size()), beginning);
}

bool is_managed(std::string_view name) {
    return std::any_of(managed.begin(), managed.end(), [&](auto one) { return equal_ignoring_case(name, one); }) ||
           begins_with(name, managed_beginning);
}

/// What is wrong with a field of that name; empty: nothing.
std::string complaint_about(std::string_view name) {
    const auto quoted = "'" + std::string{name} + "'";
    if (!is_field_name(name)) return quoted + " is no header field name: letters, digits and '-'";
    if (begins_with(name, "Access-Control-")) return quoted + " is what 'cors' writes";
    if (is_managed(name)) return quoted + " differs from answer to answer and is managed by Sluice";
    return {};
}

}  // namespace

bool is_field_name(std::string_view text) noexcept {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
    });
}

bool is_field_value(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    if (!text.empty() && (is_blank(text.front()) || is_blank(text.back()))) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return is_blank(c) || (c > ' ' && c < '\x7f'); });
}

std::string complaint_about_answer_field(std::string_view name, bool has_pages) {
    constexpr std::array own{"Cache-Tag"sv, "Idempotency-Replayed"sv, "Set-Cookie"sv, "Sluice-Consistency"sv};
    if (equal_ignoring_case(name, "Location")) return {};
    if (auto complaint = complaint_about(name); !complaint.empty()) return complaint;
    const auto quoted = "'" + std::string{name} + "'";
    if (has_pages && equal_ignoring_case(name, "Link")) return quoted + " leads to the next page: 'page' writes it";
    if (std::any_of(own.begin(), own.end(), [&](auto one) { return equal_ignoring_case(name, one); }))
        return quoted + " is managed by Sluice";
    return {};
}

std::vector<std::string> read_field_names(Section& section, std::string_view key) {
    std::vector<std::string> names;
    for (const auto* item : section.list(key)) {
        if (item->text.empty()) continue;
        if (is_field_name(item->text))
            names.push_back(item->text);
        else
            section.fail(*item, describe(*item) + " is no header field name: letters, digits and '-'");
    }
    return names;
}

void read_fixed_headers(const Node& node, std::map<std::string, std::string>& headers, Mistakes& mistakes) {
    const Section whole{node, "'headers'", mistakes};
    std::vector<std::string_view> seen;
    for (const auto& [name, location, value] : node.members) {
        const auto is_same = [&name = name](std::string_view other) { return equal_ignoring_case(name, other); };
        if (auto complaint = complaint_about(name); !complaint.empty()) {
            mistakes.add(location, std::move(complaint));
        } else if (std::any_of(seen.begin(), seen.end(), is_same)) {
            mistakes.add(location, "'" + name + "' is set twice; case does not matter in its name");
        }
        seen.push_back(name);
        if (value.broken) continue;
        if (!value.is(Node::Kind::scalar)) {
            mistakes.add(value.location, "'" + name + "' must be a text, or \"\" to leave it out, not " + describe(value));
        } else if (!is_field_value(value.text)) {
            mistakes.add(value.location, "the value of '" + name + "' must be one line of ASCII, without blanks around it");
        } else {
            std::erase_if(headers, [&](const auto& present) { return is_same(present.first); });
            if (!value.text.empty()) headers[name] = value.text;
        }
    }
}

}  // namespace sluice::config
