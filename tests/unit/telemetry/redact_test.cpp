#include "telemetry/redact.hpp"

#include <gtest/gtest.h>

namespace sluice::log {
namespace {

std::string redacted(std::string_view text) {
    std::string buffer;
    return std::string{without_credentials(text, buffer)};
}

const std::string key = "slk_05" + std::string(49, 'a');
const std::string token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-_";

}  // namespace

TEST(Redact, TakesKeysAndTokensOut) {
    EXPECT_EQ(redacted("/v1/x?api_key=" + key + "&y=1"), "/v1/x?api_key=slk_[redacted]&y=1");
    EXPECT_EQ(redacted("/v1/" + key + "/x"), "/v1/slk_[redacted]/x");
    EXPECT_EQ(redacted("?a=" + key + "&b=" + key), "?a=slk_[redacted]&b=slk_[redacted]");
    EXPECT_EQ(redacted("/?access_token=" + token + "&y=1"), "/?access_token=[redacted]&y=1");
    EXPECT_EQ(redacted("/?a=" + token + "&b=" + key), "/?a=[redacted]&b=slk_[redacted]");
    EXPECT_EQ(redacted("eyJslk_eyJ" + std::string(20, 'x') + "!" + token), "eyJslk_[redacted]![redacted]");
}

TEST(Redact, LeavesEverythingElse) {
    std::string buffer;
    for (const std::string_view text :
         {"", "/v1/cities/1?x=%20", "/slk_short", "/?q=eyJ", "/?q=eyJhbc&v=1.2", "slk_", "slk-eyj."}) {
        EXPECT_EQ(redacted(text), text);
    }
    const std::string_view ordinary = "/v1/cities/1";
    EXPECT_EQ(without_credentials(ordinary, buffer).data(), ordinary.data()) << "nothing is copied";
}

TEST(Redact, EveryBeginningIsLookedAt) {
    std::string many;
    for (int i = 0; i < 2000; ++i) many += "eyJ";
    EXPECT_EQ(redacted(many), many);
    EXPECT_EQ(redacted(many + "/" + token), many + "/[redacted]");
    EXPECT_EQ(redacted(many + "." + many), "[redacted]");
}

}  // namespace sluice::log
