#include "config/route_key.hpp"

#include "config/suggestion.hpp"
#include "sql/reserved_names.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

const std::vector<std::string> declarable_methods{"GET", "POST", "PUT", "PATCH", "DELETE"};

constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// RFC 3986's pchar without percent-encoding, and UTF-8: paths are decoded before they are matched.
bool is_literal_char(char c) noexcept {
    return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view{"-._~!$&'()*+,;=:@"}.find(c) != std::string_view::npos;
}

class KeyParser {
public:
    KeyParser(const SourceLocation& location, Mistakes& mistakes) : location_{location}, mistakes_{mistakes} {}

    std::optional<RouteKey> run(std::string_view text) {
        const auto space = text.find(' ');
        const auto path = space == std::string_view::npos ? space : text.find_first_not_of(' ', space);
        if (path == std::string_view::npos) {
            fail("a route is written METHOD /path, such as 'GET /v1/cities/{id}', not '" + std::string{text} + "'");
            return std::nullopt;
        }
        read_method(text.substr(0, space));
        read_path(text.substr(path));
        key_.shape.insert(0, std::string{to_string(key_.method)} + ' ');
        return failed_ ? std::nullopt : std::optional{std::move(key_)};
    }

private:
    void read_method(std::string_view word) {
        if (word == "HEAD") return fail("HEAD is answered by the GET route; it cannot be declared");
        if (word == "OPTIONS") return fail("OPTIONS is answered for every path; it cannot be declared");
        const auto known = std::find(declarable_methods.begin(), declarable_methods.end(), word);
        const auto method = method_from(word);
        if (known == declarable_methods.end() || !method) {
            return fail("unknown method '" + std::string{word} + "'" + suggestion(word, declarable_methods));
        }
        key_.method = *method;
    }

    void read_path(std::string_view path) {
        key_.pattern = path;
        if (!path.starts_with('/')) return fail("the path '" + std::string{path} + "' must begin with '/'");
        if (path == "/") {
            key_.shape = path;
            return;
        }
        if (path.ends_with('/')) return fail("the path must not end with '/'");
        for (std::size_t at = 0; at < path.size();) {
            const auto end = std::min(path.find('/', at + 1), path.size());
            key_.shape += '/';
            read_segment(path.substr(at + 1, end - at - 1));
            at = end;
        }
    }

    void read_segment(std::string_view segment) {
        const std::string quoted = "'" + std::string{segment} + "'";
        if (segment.empty()) return fail("the path has an empty segment ('//')");
        if (segment == "." || segment == "..") return fail("the path has the segment " + quoted + ", which clients resolve");
        if (segment.find_first_of("{}") != std::string_view::npos) return read_parameter(segment, quoted);
        if (segment.find('%') != std::string_view::npos) {
            return fail("the path is written decoded: no percent-encoding as in " + quoted);
        }
        const auto bad = std::find_if_not(segment.begin(), segment.end(), is_literal_char);
        if (bad != segment.end()) {
            const bool printable = *bad > ' ' && *bad < 0x7f;
            if (*bad == '?') return fail("the path cannot hold '?': query parameters are declared in 'params'");
            return fail(printable ? "the path cannot hold '" + std::string{*bad} + "'"
                                  : std::string{"the path cannot hold spaces or control characters"});
        }
        key_.shape += segment;
    }

    void read_parameter(std::string_view segment, const std::string& quoted) {
        key_.shape += "{}";
        if (segment.size() < 2 || !segment.starts_with('{') || !segment.ends_with('}') ||
            segment.substr(1, segment.size() - 2).find_first_of("{}") != std::string_view::npos) {
            return fail("a path parameter takes a whole segment, '{name}', unlike " + quoted);
        }
        const std::string name{segment.substr(1, segment.size() - 2)};
        if (!is_parameter_name(name)) return fail("a parameter's name has letters, digits and '_', unlike " + quoted);
        if (is_reserved(name)) return fail(reserved_message("the parameter name '" + name + "'", name));
        if (std::find(key_.names.begin(), key_.names.end(), name) != key_.names.end()) {
            return fail("the path names the parameter '" + name + "' twice");
        }
        key_.names.push_back(name);
    }

    void fail(std::string message) {
        failed_ = true;
        mistakes_.add(location_, std::move(message));
    }

    const SourceLocation& location_;
    Mistakes& mistakes_;
    RouteKey key_;
    bool failed_ = false;
};

}  // namespace

std::optional<RouteKey> parse_route_key(std::string_view text, const SourceLocation& location, Mistakes& mistakes) {
    return KeyParser{location, mistakes}.run(text);
}

bool is_parameter_name(std::string_view name) noexcept {
    return !name.empty() && !is_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::string reserved_message(const std::string& what, const std::string& name) {
    return what + " is reserved: ':" + name + "' is " + std::string{sql::meaning_of(name)};
}

bool is_reserved(std::string_view name) noexcept {
    const auto& names = sql::reserved_names;
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace sluice::config
