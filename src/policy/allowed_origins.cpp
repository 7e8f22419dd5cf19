#include "policy/allowed_origins.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace sluice::policy {
namespace {

using Mistake = std::string;

constexpr std::string_view scheme_end = "://";
constexpr std::string_view wildcard = "*.";

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_character(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }

bool is_scheme(std::string_view text) {
    return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != text.npos) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return is_label_character(c) || c == '.'; });
}

bool is_address6(std::string_view text) {
    if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
    text = text.substr(1, text.size() - 2);
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; });
}

std::optional<unsigned> port_of(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) return std::nullopt;
    return port;
}

std::string in_lower_case(std::string_view text) {
    std::string lower{text};
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return lower;
}

/// `host[:port]`, taken apart.
struct Authority {
    std::string_view host;
    std::string_view port;  // with its colon, or empty
};

Authority split(std::string_view text) {
    const auto address_end = text.starts_with('[') ? text.find(']') : 0;
    const auto colon = address_end == text.npos ? text.npos : text.find(':', address_end);
    return {text.substr(0, colon), colon == text.npos ? std::string_view{} : text.substr(colon)};
}

bool is_default_port(std::string_view scheme, unsigned port) {
    return (scheme == "https" && port == 443) || (scheme == "http" && port == 80);
}

/// What is wrong with a host that may begin with `*.`; empty: nothing.
Mistake check_host(std::string_view host) {
    const bool is_wildcard = host.starts_with(wildcard);
    const auto fixed = is_wildcard ? host.substr(wildcard.size()) : host;
    if (fixed.empty()) return "it has no host";
    if (fixed.find('*') != fixed.npos) return "'*' can only be the first label, as in 'https://*.example.com'";
    if (fixed.find('@') != fixed.npos) return "it holds a user name";
    if (std::any_of(fixed.begin(), fixed.end(), [](unsigned char c) { return c >= 0x80; }))
        return "a host name is written in ASCII, as in 'https://xn--bcher-kva.example'";
    if (!is_host_name(fixed) && (is_wildcard || !is_address6(fixed))) return "its host is no name and no address";
    if (is_wildcard && fixed != "localhost" && fixed.find('.') == fixed.npos)
        return "it would allow everybody's sites below '" + std::string{fixed} + "'; write '*.' before a domain of yours";
    return {};
}

Mistake instead(std::string_view what, std::string_view origin) {
    Mistake mistake{what};
    if (OriginPattern::parse(origin)) mistake.append("; write '").append(origin).append("'");
    return mistake;
}

}  // namespace

boost::system::result<OriginPattern, std::string> OriginPattern::parse(std::string_view text) {
    if (text.empty()) return Mistake{"it is empty"};
    if (text == "*") return Mistake{"'*' stands for all of them"};
    if (text == "null") return Mistake{"every page in a sandbox calls itself so, whoever made it"};
    const auto lower = in_lower_case(text);
    const std::string_view whole{lower};
    const auto colon = whole.find(scheme_end);
    if (colon == whole.npos) {
        return instead("it has no scheme", "https://" + std::string{whole.substr(0, whole.find('/'))});
    }
    const auto scheme = whole.substr(0, colon);
    if (!is_scheme(scheme)) return Mistake{"its scheme is none; an origin reads 'https://app.example.com'"};
    const auto authority_begin = colon + scheme_end.size();
    const auto path = whole.find_first_of("/?#", authority_begin);
    if (path != whole.npos) {
        return instead(path + 1 == whole.size() ? "it ends with '" + std::string{whole[path]} + "'" : "it has a path",
                       whole.substr(0, path));
    }
    const auto [host, port] = split(whole.substr(authority_begin));
    if (auto mistake = check_host(host); !mistake.empty()) return mistake;
    std::string kept{whole.substr(0, whole.size() - port.size())};
    if (!port.empty()) {
        const auto number = port_of(port.substr(1));
        if (!number) return Mistake{"its port is no number from 1 to 65535"};
        if (!is_default_port(scheme, *number)) kept += ':' + std::to_string(*number);
    }
    OriginPattern pattern;
    pattern.is_wildcard_ = host.starts_with(wildcard);
    const auto star = pattern.is_wildcard_ ? authority_begin : kept.size();
    pattern.before_ = kept.substr(0, star);
    if (pattern.is_wildcard_) pattern.after_ = kept.substr(star + 1);
    return pattern;
}

bool OriginPattern::matches(std::string_view origin) const noexcept {
    if (!is_wildcard_) return origin == before_;
    if (origin.size() <= before_.size() + after_.size()) return false;
    if (!origin.starts_with(before_) || !origin.ends_with(after_)) return false;
    const auto label = origin.substr(before_.size(), origin.size() - before_.size() - after_.size());
    return std::all_of(label.begin(), label.end(), is_label_character);
}

AllowedOrigins::AllowedOrigins(const std::vector<std::string>& origins) {
    for (const auto& text : origins) {
        if (text == "*") {
            any_ = true;
            continue;
        }
        auto pattern = OriginPattern::parse(text);
        if (!pattern) throw std::invalid_argument{"'" + text + "' is no origin: " + pattern.error()};
        if (pattern->is_wildcard())
            wildcards_.push_back(std::move(*pattern));
        else
            exact_.insert(pattern->text());
    }
    if (any_ && origins.size() > 1) throw std::invalid_argument{"'*' stands for every origin: leave the others out"};
}

bool AllowedOrigins::allows(std::string_view origin) const noexcept {
    if (any_ || exact_.contains(origin)) return true;
    return std::any_of(wildcards_.begin(), wildcards_.end(),
                       [&](const OriginPattern& pattern) { return pattern.matches(origin); });
}

}  // namespace sluice::policy
