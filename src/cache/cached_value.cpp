#include "cache/cached_value.hpp"

#include "runtime/hex.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

namespace sluice::cache {

std::string strong_etag(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1 || length < 16) {
        throw std::runtime_error{"SHA-256 is not available"};
    }
    return '"' + runtime::to_hex(std::span{digest}.first(16)) + '"';
}

std::string coded_etag(std::string_view etag, policy::ContentCoding coding) {
    if (coding == policy::ContentCoding::identity) return std::string{etag};
    std::string coded{etag.substr(0, etag.size() - 1)};
    return coded.append("-").append(to_string(coding)).append("\"");
}

}  // namespace sluice::cache
