#include "postgres/connection/url_check.hpp"

#include <libpq-fe.h>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::string_view_literals;

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr auto encoding_hint =
    "in a user name or password write '%40' for '@', '%2F' for '/', '%3A' for ':', '%3F' for '?' and '%25' for '%'";

// Not `+`: GCC 12 warns of it where it is inlined.
std::string with_hint(std::string_view complaint) { return std::string{complaint}.append(": ").append(encoding_hint); }

/// What follows the scheme; empty for `key=value` words.
std::string_view behind_scheme(std::string_view url) {
    for (const auto scheme : {"postgresql://"sv, "postgres://"sv}) {
        if (url.starts_with(scheme)) return url.substr(scheme.size());
    }
    return {};
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool has_loose_percent(std::string_view text) {
    for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
        if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return true;
        if (text[at + 1] == '0' && text[at + 2] == '0') return true;  // libpq's texts end there
    }
    return false;
}

bool is_number(std::string_view text, long least, long most) {
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value >= least && value <= most;
}

std::vector<std::string_view> split(std::string_view list) {
    std::vector<std::string_view> items;
    for (;;) {
        const auto comma = list.find(',');
        items.push_back(list.substr(0, comma));
        if (comma == list.npos) return items;
        list.remove_prefix(comma + 1);
    }
}

/// A name, an address, or the folder of a socket.
bool is_host(std::string_view host) {
    if (host.empty() || host.starts_with('/') || host.starts_with('@')) return true;
    return std::all_of(host.begin(), host.end(), [](char c) {
        const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || beyond_ascii || c == '-' ||
               c == '.' || c == '_' || c == ':' || c == '%';  // `%`: an IPv6 zone
    });
}

bool is_address(std::string_view text) {
    if (text.empty()) return true;
    boost::system::error_code error;
    boost::asio::ip::make_address(std::string{text}, error);
    return !error;
}

bool is_port(std::string_view text) { return text.empty() || is_number(text, 1, 65'535); }

/// The options that take one of a few words.
struct Words {
    std::string_view option;
    std::vector<std::string_view> words;
};

const std::vector<Words>& choices() {
    static const std::vector<Words> all{
        {"sslmode", {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}},
        {"channel_binding", {"disable", "prefer", "require"}},
        {"gssencmode", {"disable", "prefer", "require"}},
        {"target_session_attrs", {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}},
        {"ssl_min_protocol_version", {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}},
        {"ssl_max_protocol_version", {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}},
    };
    return all;
}

constexpr std::array numeric_options{"connect_timeout"sv,     "keepalives"sv,       "keepalives_idle"sv,
                                     "keepalives_interval"sv, "keepalives_count"sv, "tcp_user_timeout"sv};

std::string complaint_about(std::string_view name, std::string_view value, bool is_url) {
    const auto all = [&](bool (*fits)(std::string_view)) {
        const auto items = split(value);
        return std::all_of(items.begin(), items.end(), fits);
    };
    const auto fail = [&](std::string_view complaint) { return is_url ? with_hint(complaint) : std::string{complaint}; };
    if (name == "port" && !all(is_port)) return fail("has a port that is no number from 1 to 65535");
    if (name == "host" && !all(is_host)) return fail("has a host that is no name and no address");
    if (name == "hostaddr" && !all(is_address)) return "has a 'hostaddr' that is no address";
    const bool numeric = std::find(numeric_options.begin(), numeric_options.end(), name) != numeric_options.end();
    if (numeric && !is_number(value, -1'000'000'000, 1'000'000'000))
        return "has a '" + std::string{name} + "' that is no whole number";
    for (const auto& [option, words] : choices()) {
        if (option != name || std::find(words.begin(), words.end(), value) != words.end()) continue;
        std::string list;
        for (const auto word : words) list.append(list.empty() ? "" : ", ").append(word);
        return "has a '" + std::string{name} + "' that is none of " + list;
    }
    return {};
}

/// libpq's reason without the text that it quotes.
std::string in_our_words(std::string_view reason, bool is_url) {
    const auto says = [&](std::string_view part) { return reason.find(part) != reason.npos; };
    if (says("invalid connection option") || says("invalid URI query parameter"))
        return "has an option that libpq does not know, such as a misspelt 'sslmode'";
    if (says("unterminated quoted string")) return "has a quote that is never closed";
    if (!is_url)
        return "is not of libpq's form key=value: a value with spaces, quotes or '\\' stands in '…', with '\\' before them";
    return with_hint("cannot be read as a URL");
}

}  // namespace

std::string complaint_about_url(const std::string& url) {
    const auto rest = behind_scheme(url);
    const bool is_url = rest.data() != nullptr;
    if (!is_url && (url.find("://") != url.npos || url.find('=') == url.npos))
        return "must begin with postgresql://, or be libpq's key=value form";
    if (url.find('\0') != url.npos) return "holds a NUL character";
    if (is_url) {
        if (has_loose_percent(rest)) return with_hint("has a '%' that no two hexadecimal digits follow");
        // libpq ends the credentials at the first of these; what is behind would be taken for host, port and database.
        const auto path = rest.substr(0, std::min(rest.find('?'), rest.size()));
        const auto last_at = path.rfind('@');
        if (last_at != path.npos && path.substr(0, last_at).find_first_of("@/") != path.npos)
            return with_hint("has an '@' or '/' in front of its last '@'");
    }
    char* error = nullptr;
    const Options options{PQconninfoParse(url.c_str(), &error), &PQconninfoFree};
    if (!options) {
        const std::string reason = error != nullptr ? error : "";
        PQfreemem(error);
        return in_our_words(reason, is_url);
    }
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr || *option->val == '\0') continue;
        if (auto complaint = complaint_about(option->keyword, option->val, is_url); !complaint.empty()) return complaint;
    }
    return {};
}

}  // namespace sluice::postgres
