#include "auth/jws.hpp"

#include "auth/base64url.hpp"
#include "auth/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::auth {
namespace {

using nlohmann::json;

/// A member that is absent or a string; false if it is something else.
bool read_text(const json& object, const char* name, std::optional<std::string>& text) {
    const auto member = object.find(name);
    if (member == object.end()) return true;
    if (!member->is_string()) return false;
    text = member->get<std::string>();
    return true;
}

boost::system::result<JoseHeader, TokenError> parse_header(std::string_view encoded) {
    const auto bytes = decode_base64url(encoded);
    const auto object = bytes ? parse_strict_object(*bytes) : std::nullopt;
    if (!object) return TokenError::malformed;
    JoseHeader header;
    std::optional<std::string> algorithm;
    if (!read_text(*object, "alg", algorithm) || !read_text(*object, "kid", header.kid) ||
        !read_text(*object, "typ", header.type))
        return TokenError::malformed;
    const auto known = algorithm ? jws_algorithm_from(*algorithm) : std::nullopt;
    if (!known) return TokenError::unsupported_algorithm;
    if (object->contains("crit")) return TokenError::critical_extension;
    header.algorithm = *known;
    return header;
}

}  // namespace

boost::system::result<UnverifiedJws, TokenError> parse_jws(std::string_view token) {
    if (token.size() > max_token_length || std::count(token.begin(), token.end(), '.') != 2) return TokenError::malformed;
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    UnverifiedJws jws;
    jws.parts.header = token.substr(0, first);
    jws.parts.payload = token.substr(first + 1, second - first - 1);
    jws.parts.signature = token.substr(second + 1);
    auto header = parse_header(jws.parts.header);
    if (header.has_error()) return header.error();
    jws.header = std::move(*header);
    auto signature = decode_base64url(jws.parts.signature);
    if (!signature || !decode_base64url(jws.parts.payload)) return TokenError::malformed;
    jws.parts.signature_bytes = std::move(*signature);
    return jws;
}

boost::system::result<VerifiedJws, TokenError> verify_jws(const UnverifiedJws& jws, const KeySet& keys) {
    const auto key = keys.find(jws.header.algorithm, jws.header.kid);
    if (key.has_error()) return key.error();
    if (!(*key)->verify(jws.header.algorithm, jws.parts)) return TokenError::wrong_signature;
    auto payload = decode_base64url(jws.parts.payload);
    if (!payload) return TokenError::malformed;
    return VerifiedJws{jws.header, std::move(*payload), (*key)->fingerprint()};
}

}  // namespace sluice::auth
