// Keys that were verified a moment ago, so that a busy client's costs a comparison and not a MAC. Hides that each thread
// remembers for itself.
#pragma once

#include "auth/key_codec.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::auth {

/// Any thread. The codec must outlive it.
class RememberedKeys {
public:
    /// Of each thread, at most this many; a key takes the place of another one that hashes alike.
    static constexpr std::size_t places = 4096;

    explicit RememberedKeys(const KeyCodec& codec) noexcept;

    /// As KeyCodec::verify; an expiry is looked at each time. The data is valid until this thread's next call.
    boost::system::result<const KeyData*, KeyError> verify(std::string_view key,
                                                           std::chrono::system_clock::time_point now) const;

private:
    struct Place;

    const KeyCodec& codec_;
    const std::uint64_t number_;  // unlike that of any other object, past ones included
};

}  // namespace sluice::auth
