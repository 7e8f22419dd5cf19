// An HTTP request's head, decoded. The body is read on demand: see Exchange::body.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// RFC 9110 section 9 and PATCH (RFC 5789). A method not in this list never reaches a handler (501).
enum class Method {
    get,
    head,  // answered by the GET handler, without the body
    post,
    put,
    patch,
    delete_,  // DELETE; the word is taken in C++
    options,  // answered by the router
};

std::string_view to_string(Method method) noexcept;
std::optional<Method> method_from(std::string_view name) noexcept;

/// A header field as it was received; the name keeps its case.
struct HeaderField {
    std::string_view name;
    std::string_view value;
};

/// ASCII case-insensitive equality, as header names compare (RFC 9110 section 5.1).
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Without the blanks around it: RFC 9110 section 5.6.3, optional white space.
constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

/// A decoded `name=value` of the query string, in the order received.
struct QueryParameter {
    std::string name;
    std::string value;
};

struct Request {
    Method method = Method::get;
    int version = 11;                  ///< 10 or 11
    std::string_view target;           ///< as received, e.g. `/v1/cities/1?x=%20`
    std::string_view raw_path;         ///< the target before `?`, still percent-encoded
    std::string_view raw_query;        ///< the target after `?`, still percent-encoded; empty if there is none
    std::vector<HeaderField> headers;  ///< in the order received; views into the connection's buffer
    std::string_view remote_address;   ///< the peer's IP address in text, without port
    std::optional<std::size_t> content_length;
    bool chunked = false;

    bool has_body() const noexcept { return chunked || content_length.value_or(0) > 0; }
    /// The first field of that name, or nothing.
    std::optional<std::string_view> header(std::string_view name) const noexcept;
    /// The values of all fields of that name as one list (RFC 9110 section 5.3); empty: there is none.
    std::string combined_header(std::string_view name) const;
    /// How often the field occurs.
    std::size_t header_count(std::string_view name) const noexcept;
};

}  // namespace sluice
