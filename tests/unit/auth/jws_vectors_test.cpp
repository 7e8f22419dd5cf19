// The examples of RFC 7520 section 4 (ietf-jose/cookbook), where they are present: in the folder that SLUICE_TEST_DATA
// names, or in `shared/data` beside the source tree.
#include "auth/jws.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace sluice::auth {
namespace {

std::filesystem::path folder() {
    if (const char* data = std::getenv("SLUICE_TEST_DATA")) return std::filesystem::path{data} / "jose";
    return std::filesystem::path{SLUICE_SOURCE_DIR} / ".." / "shared" / "data" / "jose";
}

nlohmann::json read(const std::filesystem::path& file) {
    std::ifstream in{file};
    return nlohmann::json::parse(in);
}

}  // namespace

TEST(JwsVectors, OursVerifyAndAllOthersAreUnsupported) {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "the vectors are not beside this source tree";
    const std::set<std::string> ours{"RS256", "PS256", "ES256", "EdDSA", "HS256"};
    std::size_t verified = 0;
    std::size_t unsupported = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder() / "jws"}) {
        const auto vector = read(entry.path());
        const auto name = vector.at("title").get<std::string>();
        if (!vector.at("output").contains("compact")) continue;  // JSON serialisation: not a bearer token's form
        const auto token = vector.at("output").at("compact").get<std::string>();
        const auto jws = parse_jws(token);
        const auto algorithm = vector.at("input").at("alg").get<std::string>();
        if (!ours.contains(algorithm)) {
            EXPECT_EQ(jws.error(), TokenError::unsupported_algorithm) << name;
            ++unsupported;
            continue;
        }
        ASSERT_TRUE(jws) << name;
        const auto keys = KeySet::parse(vector.at("input").at("key").dump(), KeySetOrigin::local);
        ASSERT_TRUE(keys) << name << ": " << keys.error();
        const auto opened = verify_jws(*jws, *keys);
        if (jws->parts.payload.empty()) {
            // Detached content: the payload is not in the token, so the signature is over something else.
            EXPECT_EQ(opened.error(), TokenError::wrong_signature) << name;
            continue;
        }
        ASSERT_TRUE(opened) << name << ": " << to_string(opened.error());
        EXPECT_EQ(opened->payload, vector.at("input").at("payload").get<std::string>()) << name;
        ++verified;
    }
    EXPECT_GE(verified, 2u);
    EXPECT_GE(unsupported, 2u);
}

TEST(JwsVectors, TheKeysAreTakenOrLeftByTheirKind) {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "the vectors are not beside this source tree";
    const auto usable = [](const char* name) { return Jwk::parse(read(folder() / "jwk" / name)).has_value(); };
    EXPECT_TRUE(usable("3_3.rsa_public_key.json"));
    EXPECT_TRUE(usable("3_4.rsa_private_key.json")) << "its public part";
    EXPECT_TRUE(usable("3_5.symmetric_key_mac_computation.json"));
    EXPECT_FALSE(usable("3_1.ec_public_key.json")) << "P-521";
    EXPECT_FALSE(usable("3_6.symmetric_key_encryption.json")) << "for encryption";
}

}  // namespace sluice::auth
