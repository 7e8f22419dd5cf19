#include "auth/signed_text.hpp"

#include <gtest/gtest.h>

namespace sluice::auth {
namespace {

const std::vector<std::string> secrets{"a secret of sixteen bytes or more"};

TEST(SignedText, OpensWhatItSigned) {
    const SignedText text{"cursor", secrets};
    for (const auto& payload : {std::string{}, std::string{"abc"}, std::string{"\0\xff", 2}, std::string(1000, 'x')}) {
        EXPECT_EQ(text.open(text.sign(payload)), payload);
    }
}

TEST(SignedText, RefusesEveryChangedCharacter) {
    const SignedText text{"cursor", secrets};
    const auto genuine = text.sign("5:2988507");
    for (std::size_t i = 0; i < genuine.size(); ++i) {
        auto changed = genuine;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(text.open(changed)) << i;
    }
    EXPECT_FALSE(text.open(genuine + "A"));
    EXPECT_FALSE(text.open(genuine.substr(1)));
    EXPECT_FALSE(text.open(""));
}

TEST(SignedText, RefusesAnotherPurposeAndAnotherSecret) {
    const auto genuine = SignedText{"cursor", secrets}.sign("1");
    EXPECT_FALSE((SignedText{"consistency", secrets}.open(genuine)));
    EXPECT_FALSE((SignedText{"cursor", {"another secret of sixteen bytes"}}.open(genuine)));
    EXPECT_FALSE((SignedText{"cursor", {}}.open(genuine)));
}

TEST(SignedText, AnOlderSecretStillVerifies) {
    const auto genuine = SignedText{"cursor", secrets}.sign("1");
    EXPECT_EQ((SignedText{"cursor", {"a newer secret of sixteen bytes", secrets[0]}}.open(genuine)), "1");
}

TEST(SignedText, SigningWithoutASecretIsAMistake) { EXPECT_THROW((SignedText{"cursor", {}}.sign("1")), std::logic_error); }

}  // namespace
}  // namespace sluice::auth
