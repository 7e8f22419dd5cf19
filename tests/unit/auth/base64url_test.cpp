#include "auth/base64url.hpp"

#include <gtest/gtest.h>

namespace sluice::auth {

TEST(Base64url, FollowsTheRfcsVectors) {
    // RFC 4648 section 10, without padding, and RFC 7515 appendix C.
    const std::vector<std::pair<std::string, std::string>> vectors{
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\x03\xec\xff\xe0\xc1", "A-z_4ME"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(encode_base64url(bytes), text);
        EXPECT_EQ(decode_base64url(text), bytes);
    }
}

TEST(Base64url, RefusesEveryOtherSpelling) {
    for (const auto* text :
         {"Zg==", "Zh", "Zm9", "Zm9vY", "Z", "Zm9v\n", " Zm9v", "A+z/4ME", "Zm9v=", "Zm 9v", "Z\xC3\xA9"}) {
        EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
    }
    EXPECT_EQ(decode_base64url(std::string_view{"Zm\0v", 4}), std::nullopt);
}

}  // namespace sluice::auth
