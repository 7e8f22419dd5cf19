#include "upstream/request_head.hpp"

#include "upstream/connection_fields.hpp"

#include <algorithm>
#include <array>

namespace sluice::upstream {
namespace {

using namespace std::string_view_literals;
using Fields = std::vector<UpstreamRequest::Field>;

/// Those we write ourselves, from what we know: a client could lie in them.
constexpr std::array ours{"Content-Length"sv, "Expect"sv, "Forwarded"sv, "Host"sv, "Via"sv, "X-Real-IP"sv};
constexpr std::array beginnings_of_ours{"X-Forwarded-"sv, "X-Consumer-"sv};
constexpr std::array credentials{"Authorization"sv, "X-API-Key"sv};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::any_of(names.begin(), names.end(), [&](auto one) { return equal_ignoring_case(one, name); });
}

/// Services that read fields as environment variables (CGI, WSGI) take `_` for `-`.
std::string with_hyphens(std::string_view name) {
    std::string result{name};
    std::replace(result.begin(), result.end(), '_', '-');
    return result;
}

bool begins_as_ours(std::string_view name) {
    return std::any_of(beginnings_of_ours.begin(), beginnings_of_ours.end(), [&](auto one) {
        return name.size() >= one.size() && equal_ignoring_case(name.substr(0, one.size()), one);
    });
}

bool is_target(std::string_view text) {
    const auto fits = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
    return (text.starts_with('/') || text == "*") && std::all_of(text.begin(), text.end(), fits);
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

/// A value that is not ours, such as the subject of a token: other bytes are percent-encoded, and `%`, so that no two values
/// become one.
std::string encoded(std::string_view value, bool keep_blanks) {
    constexpr auto digits = "0123456789ABCDEF"sv;
    std::string result;
    for (const char c : value) {
        if ((c > ' ' && c < '\x7f' && c != '%') || (c == ' ' && keep_blanks)) {
            result += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        result += '%';
        result += digits[byte >> 4];
        result += digits[byte & 15];
    }
    return result;
}

class Writer {
public:
    Writer(const UpstreamRequest& request, BodyLength length, const FieldRules& rules, std::string_view authority)
        : request_{request},
          length_{length},
          rules_{rules},
          authority_{authority},
          of_connection_{names_in_connection(request.passed_on)} {}

    using Result = boost::system::result<std::string, CannotBeSent>;

    Result write() && {
        if (!is_token(request_.method) || request_.method == "CONNECT") return CannotBeSent{"the method cannot be sent"};
        if (!is_target(request_.target)) return CannotBeSent{"the target holds what must be encoded"};
        if (request_.target == "*" && request_.method != "OPTIONS") return CannotBeSent{"the target is none of this method"};
        head_.reserve(512);
        head_.append(request_.method).append(" ").append(request_.target).append(" HTTP/1.1\r\n");
        add("Host", rules_.host.empty() ? authority_ : std::string_view{rules_.host});
        for (const auto& [name, value] : request_.own) {
            if (is_of_connection(name) || is_one_of(ours, name)) {
                return CannotBeSent{"'" + name + "' is not the route's to set"};
            }
            add(name, value);
        }
        for (const auto& [name, value] : rules_.set) {
            if (!has(request_.own, name)) add(name, value);
        }
        for (const auto& [name, value] : request_.passed_on) {
            if (is_passed_on(name)) add(name, value);
        }
        add_defaults();
        add_via();
        add_caller();
        add_length();
        head_ += "\r\n";
        if (!broken_.empty()) return CannotBeSent{"the field '" + broken_ + "' holds what would end it"};
        return Result{boost::system::in_place_value, std::move(head_)};
    }

private:
    static bool has(const Fields& fields, std::string_view name) {
        return std::any_of(fields.begin(), fields.end(),
                           [&](const auto& one) { return equal_ignoring_case(one.first, name); });
    }
    bool is_set(std::string_view name) const { return has(request_.own, name) || has(rules_.set, name); }

    bool is_passed_on(const std::string& written) const {
        const bool has_underscore = written.find('_') != written.npos;
        const auto name = has_underscore ? with_hyphens(written) : written;
        if (is_of_connection(name) || is_one_of(ours, name) || begins_as_ours(name)) return false;
        if (!rules_.identity.authorization && is_one_of(credentials, name)) return false;
        if (!request_.caller.traceparent.empty() && equal_ignoring_case(name, "traceparent")) return false;
        if (!request_.caller.request_id.empty() && equal_ignoring_case(name, "X-Request-Id")) return false;
        const auto is_it = [&](std::string_view other) { return equal_ignoring_case(other, name); };
        if (std::any_of(of_connection_.begin(), of_connection_.end(), is_it)) return false;
        if (std::any_of(rules_.remove.begin(), rules_.remove.end(), is_it)) return false;
        return !is_set(name);
    }

    void add(std::string_view name, std::string_view value) {
        if (!is_token(name) || !is_value(value)) {
            if (broken_.empty()) broken_ = is_token(name) ? std::string{name} : "?";
            return;
        }
        head_.append(name).append(": ").append(value).append("\r\n");
    }

    void add_unless_set(std::string_view name, std::string_view value) {
        if (!is_set(name)) add(name, value);
    }

    void add_defaults() {
        if (!has(request_.passed_on, "User-Agent")) add_unless_set("User-Agent", "sluice/" SLUICE_VERSION);
        if (!has(request_.passed_on, "Accept-Encoding")) add_unless_set("Accept-Encoding", "identity");
        if (!request_.caller.traceparent.empty()) add_unless_set("traceparent", request_.caller.traceparent);
        if (!request_.caller.request_id.empty()) add_unless_set("X-Request-Id", request_.caller.request_id);
    }

    void add_via() {
        std::string value;
        for (const auto& [name, former] : request_.passed_on) {
            if (equal_ignoring_case(name, "Via") && !former.empty()) value += former + ", ";
        }
        add("Via", value + "1.1 sluice");
    }

    void add_caller() {
        const auto& caller = request_.caller;
        const std::string_view scheme = caller.tls ? "https" : "http";
        if (!caller.address.empty()) {
            const bool address6 = caller.address.find(':') != caller.address.npos;
            auto forwarded = address6 ? "for=\"[" + caller.address + "]\"" : "for=" + caller.address;
            const bool host_fits =
                !caller.host.empty() && is_visible(caller.host) && caller.host.find_first_of("\"\\;,") == std::string::npos;
            if (host_fits) forwarded += ";host=\"" + caller.host + '"';
            forwarded.append(";proto=").append(scheme);
            add("Forwarded", forwarded);
            add("X-Forwarded-For", caller.address);
            if (host_fits) add("X-Forwarded-Host", caller.host);
            add("X-Forwarded-Proto", scheme);
        }
        if (!rules_.identity.forward) return;
        if (!caller.id.empty()) add("X-Consumer-Id", encoded(caller.id, false));
        if (!caller.tier.empty()) add("X-Consumer-Tier", encoded(caller.tier, false));
        if (!caller.scopes.empty()) add("X-Consumer-Scopes", encoded(caller.scopes, true));
    }

    // Of a method that has one, a body that is not there is said to be empty (RFC 9110 section 8.6).
    void add_length() {
        const auto& method = request_.method;
        const bool usual = method == "POST" || method == "PUT" || method == "PATCH";
        if (length_.chunked)
            add("Transfer-Encoding", "chunked");
        else if (length_.bytes || usual)
            add("Content-Length", std::to_string(length_.bytes.value_or(0)));
        const bool has_body = length_.chunked || length_.bytes.value_or(0) > 0;
        if (request_.expects_continue && has_body) add("Expect", "100-continue");
    }

    const UpstreamRequest& request_;
    const BodyLength length_;
    const FieldRules& rules_;
    const std::string_view authority_;
    const std::vector<std::string_view> of_connection_;
    std::string head_;
    std::string broken_;
};

}  // namespace

FieldRules::FieldRules(const UpstreamSettings& settings) : remove{settings.headers.remove}, identity{settings.identity} {
    for (const auto& [name, value] : settings.headers.set) {
        if (equal_ignoring_case(name, "Host"))
            host = value;
        else
            set.emplace_back(name, value);
    }
}

bool is_idempotent(std::string_view method) noexcept {
    constexpr std::array idempotent{"GET"sv, "HEAD"sv, "OPTIONS"sv, "TRACE"sv, "PUT"sv, "DELETE"sv};
    return std::find(idempotent.begin(), idempotent.end(), method) != idempotent.end();
}

bool is_token(std::string_view text) noexcept {
    constexpr auto others = "!#$%&'*+-.^_`|~"sv;
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
    });
}

bool is_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    });
}

boost::system::result<std::string, CannotBeSent> request_head(const UpstreamRequest& request, BodyLength length,
                                                              const FieldRules& rules, std::string_view authority) {
    return Writer{request, length, rules, authority}.write();
}

}  // namespace sluice::upstream
