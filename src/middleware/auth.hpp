// Finds out who asks. A credential that is present and wrong is 401 on every route; it never falls back to anonymous.
#pragma once

#include "auth/key_codec.hpp"
#include "auth/key_exceptions.hpp"
#include "sluice/middleware.hpp"
#include "sluice/settings.hpp"

#include <functional>
#include <map>
#include <string>

namespace sluice::middleware {

class Auth final : public Middleware {
public:
    using WallClock = std::function<std::chrono::system_clock::time_point()>;

    Auth(const auth::KeyCodec& codec, const auth::KeyExceptions& exceptions, const std::map<std::string, Tier>& tiers,
         WallClock clock = std::chrono::system_clock::now)
        : codec_{codec}, exceptions_{exceptions}, tiers_{tiers}, clock_{std::move(clock)} {}

    Step before(Exchange& exchange) override;

private:
    const auth::KeyCodec& codec_;
    const auth::KeyExceptions& exceptions_;
    const std::map<std::string, Tier>& tiers_;
    WallClock clock_;
};

}  // namespace sluice::middleware
