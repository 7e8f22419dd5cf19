#include "auth/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>

namespace sluice::auth {

namespace {

[[noreturn]] void fail() { throw std::runtime_error{"OpenSSL cannot compute HMAC-SHA256"}; }

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// Where a thread looks first, so that threads seldom meet.
std::size_t first_slot() noexcept {
    thread_local const std::size_t slot = std::hash<std::thread::id>{}(std::this_thread::get_id());
    return slot;
}

}  // namespace

Hmac::Hmac(std::string_view secret) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> algorithm{EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                                      &EVP_MAC_free};
    if (!algorithm) fail();
    keyed_ = EVP_MAC_CTX_new(algorithm.get());
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    if (keyed_ == nullptr || EVP_MAC_init(keyed_, bytes_of(secret), secret.size(), parameters) != 1) {
        EVP_MAC_CTX_free(keyed_);
        fail();
    }
}

Hmac::~Hmac() {
    for (auto& slot : idle_) EVP_MAC_CTX_free(slot.load(std::memory_order_relaxed));
    EVP_MAC_CTX_free(keyed_);
}

Hmac::Mac Hmac::compute(std::string_view first, std::span<const std::uint8_t> second) const {
    EVP_MAC_CTX* context = take();
    Mac mac;
    std::size_t length = 0;
    // Without a key, `init` starts anew with the one it has.
    const bool done = EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
                      EVP_MAC_update(context, bytes_of(first), first.size()) == 1 &&
                      EVP_MAC_update(context, second.data(), second.size()) == 1 &&
                      EVP_MAC_final(context, mac.data(), &length, mac.size()) == 1;
    give_back(context);
    if (!done || length != mac.size()) fail();
    return mac;
}

EVP_MAC_CTX* Hmac::take() const {
    const std::size_t start = first_slot();
    for (std::size_t i = 0; i < kept; ++i) {
        auto& slot = idle_[(start + i) % kept];
        if (slot.load(std::memory_order_relaxed) == nullptr) continue;
        if (auto* context = slot.exchange(nullptr, std::memory_order_acquire)) return context;
    }
    auto* context = EVP_MAC_CTX_dup(keyed_);
    if (context == nullptr) fail();
    return context;
}

void Hmac::give_back(EVP_MAC_CTX* context) const noexcept {
    const std::size_t start = first_slot();
    for (std::size_t i = 0; i < kept; ++i) {
        EVP_MAC_CTX* empty = nullptr;
        auto& slot = idle_[(start + i) % kept];
        if (slot.compare_exchange_strong(empty, context, std::memory_order_release, std::memory_order_relaxed)) return;
    }
    EVP_MAC_CTX_free(context);
}

}  // namespace sluice::auth
