#include "upstream/url.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::upstream {
namespace {

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_address6_character(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

bool is_port(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value > 0 && value <= 65535;
}

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }

}  // namespace

std::string Url::authority() const {
    const auto name = host.find(':') == host.npos ? host : "[" + host + "]";
    return port == (tls ? "443" : "80") ? name : name + ":" + port;
}

boost::system::result<Url, std::string> parse_url(std::string_view text) {
    constexpr std::string_view plain = "http://";
    constexpr std::string_view secure = "https://";
    Url url;
    url.tls = text.starts_with(secure);
    if (!url.tls && !text.starts_with(plain)) return std::string{"must begin with https:// or http://"};
    text.remove_prefix(url.tls ? secure.size() : plain.size());
    text = text.substr(0, text.find('#'));
    if (!std::all_of(text.begin(), text.end(), is_visible)) return std::string{"holds a character that must be encoded"};
    const auto end = std::min(text.find_first_of("/?"), text.size());
    auto authority = text.substr(0, end);
    if (authority.find('@') != authority.npos) return std::string{"must not hold a user name or password"};
    if (end < text.size()) url.target = text[end] == '?' ? "/" + std::string{text.substr(end)} : text.substr(end);

    bool right = false;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close != authority.npos) {
            url.host = authority.substr(1, close - 1);
            authority.remove_prefix(close + 1);
            right = std::all_of(url.host.begin(), url.host.end(), is_address6_character);
        }
    } else {
        const auto colon = std::min(authority.find(':'), authority.size());
        url.host = authority.substr(0, colon);
        authority.remove_prefix(colon);
        right = std::all_of(url.host.begin(), url.host.end(), is_host_character);
    }
    if (!right || url.host.empty()) return std::string{"has no host name or address"};
    url.port = url.tls ? "443" : "80";
    if (authority.empty()) return url;
    if (!authority.starts_with(':') || !is_port(authority.substr(1))) return std::string{"has a port that is none"};
    url.port = authority.substr(1);
    return url;
}

}  // namespace sluice::upstream
