#include "cache/etag.hpp"

#include "runtime/hex.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>
#include <stdexcept>

namespace sluice::cache {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

void need(bool done) {
    if (!done) throw std::runtime_error{"SHA-256 is not available"};
}

// Looked up once: the library's own look-up takes longer than the hash of a short answer.
const EVP_MD* sha256() {
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> found{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                       &EVP_MD_free};
    need(found != nullptr);
    return found.get();
}

std::string quoted(const Digest& digest) { return '"' + runtime::to_hex(std::span{digest}.first(16)) + '"'; }

}  // namespace

std::string strong_etag(std::string_view bytes) {
    Digest digest{};
    need(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, sha256(), nullptr) == 1);
    return quoted(digest);
}

awaitable<std::string> strong_etag_by_turns(std::string_view bytes) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
    need(state && EVP_DigestInit_ex(state.get(), sha256(), nullptr) == 1);
    for (;;) {
        const auto piece = bytes.substr(0, hashed_at_once);
        bytes.remove_prefix(piece.size());
        need(EVP_DigestUpdate(state.get(), piece.data(), piece.size()) == 1);
        if (bytes.empty()) break;
        co_await boost::asio::post(executor, use_awaitable);
    }
    Digest digest{};
    need(EVP_DigestFinal_ex(state.get(), digest.data(), nullptr) == 1);
    co_return quoted(digest);
}

std::string coded_etag(std::string_view etag, policy::ContentCoding coding) {
    if (etag.empty() || coding == policy::ContentCoding::identity) return std::string{etag};
    std::string coded{etag.substr(0, etag.size() - 1)};
    return coded.append("-").append(to_string(coding)).append("\"");
}

}  // namespace sluice::cache
