#include "auth/remembered_keys.hpp"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::auth {
namespace {

std::uint64_t next_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// In constant time, so that how long a refusal takes says nothing about a remembered key: as CRYPTO_memcmp, but eight bytes
/// at once.
bool equal(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    std::uint64_t differences = 0;
    std::size_t at = 0;
    for (; at + sizeof differences <= a.size(); at += sizeof differences) {
        std::uint64_t of_a = 0;
        std::uint64_t of_b = 0;
        std::memcpy(&of_a, a.data() + at, sizeof of_a);
        std::memcpy(&of_b, b.data() + at, sizeof of_b);
        differences |= of_a ^ of_b;
        asm volatile("" : "+r"(differences));  // the compiler does not know when it is settled
    }
    return (differences | static_cast<std::uint64_t>(CRYPTO_memcmp(a.data() + at, b.data() + at, a.size() - at))) == 0;
}

}  // namespace

struct RememberedKeys::Place {
    std::string key;
    KeyData data;
};

RememberedKeys::RememberedKeys(const KeyCodec& codec) noexcept : codec_{codec}, number_{next_number()} {}

boost::system::result<const KeyData*, KeyError> RememberedKeys::verify(std::string_view key,
                                                                       std::chrono::system_clock::time_point now) const {
    struct Memory {
        std::uint64_t of = 0;
        std::vector<Place> places;
    };
    thread_local Memory memory;
    if (memory.of != number_) {
        memory.places.assign(places, {});
        memory.of = number_;
    }
    auto& place = memory.places[std::hash<std::string_view>{}(key) % places];
    if (place.key.empty() || !equal(place.key, key)) {
        auto verified = codec_.verify(key, now);
        if (verified.has_error()) return verified.error();
        place.key = key;
        place.data = std::move(*verified);
    } else if (has_expired(place.data, now)) {
        return KeyError::expired;
    }
    return &place.data;
}

}  // namespace sluice::auth
