#include "endpoints/idempotency.hpp"

#include "endpoints/cache_key.hpp"
#include "runtime/hex.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace sluice::endpoints {
namespace {

constexpr std::string_view field = "Idempotency-Key";
constexpr std::size_t longest = 255;
constexpr auto expected = R"(must be 1 to 255 visible ASCII characters, alone or between quotes as in "8e03978e-40d5-43dd")";

// RFC 8941 section 3.3.3, without parameters; the opening quote is at the front.
std::optional<std::string> unquoted(std::string_view text) {
    std::string key;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') return i + 1 == text.size() ? std::optional{std::move(key)} : std::nullopt;
        if (text[i] == '\\') {
            if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) return std::nullopt;
        }
        key += text[i];
    }
    return std::nullopt;
}

std::optional<std::string> parse(std::string_view value) {
    auto key = value.starts_with('"') ? unquoted(value) : std::optional<std::string>{value};
    const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
    if (!key || key->empty() || key->size() > longest || !std::all_of(key->begin(), key->end(), visible))
        return std::nullopt;
    return key;
}

}  // namespace

std::optional<std::string> idempotency_key(const Request& request, IdempotencyMode mode, std::vector<InputError>& errors) {
    if (mode == IdempotencyMode::off) return std::nullopt;
    const auto refuse = [&](std::string message) {
        errors.push_back({"header", std::string{field}, std::move(message)});
        return std::nullopt;
    };
    const auto value = request.header(field);
    if (!value) {
        if (mode == IdempotencyMode::required) return refuse("is required");
        return std::nullopt;
    }
    if (request.header_count(field) > 1) return refuse("must not be repeated");
    auto key = parse(*value);
    if (!key) return refuse(expected);
    return key;
}

std::string payload_hash(const Exchange& exchange, std::string_view body, std::span<const std::string> fields) {
    std::string text;
    append_canonical_path(text, exchange);
    for (const auto& field : fields)  // their lengths keep them apart
        text.append(1, ' ').append(std::to_string(field.size())).append(1, ':').append(field);
    text.append(1, '\n').append(body);  // a canonical path has no line end
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return runtime::to_hex(digest);
}

}  // namespace sluice::endpoints
