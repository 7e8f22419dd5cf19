// The examples of RFC 7515, RFC 7517 and RFC 8037. Those of RFC 7520 section 4 (ietf-jose/cookbook) as well, where they are
// present: in the folder that SLUICE_TEST_DATA names, or in `shared/data` beside the source tree.
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

struct Example {
    const char* from;
    const char* key;
    std::string token;
    std::string payload;
};

const std::string claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
const std::string claims_part =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const std::vector<Example> examples{
    {"RFC 7515 A.1",
     R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + claims_part + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", claims},
    {"RFC 7515 A.2",
     R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-)"
     R"(yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2)"
     R"(R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4F)"
     R"(RWyuXpoQ","e":"AQAB"})",
     "eyJhbGciOiJSUzI1NiJ9." + claims_part +
         ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
         "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
         "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
         "xi12jzDwusC-eOk"
         "HWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
     claims},
    {"RFC 7515 A.3",
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9." + claims_part +
         ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
     claims},
    {"RFC 8037 A.4", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
     "Example of Ed25519 signing"},
};

}  // namespace

TEST(JwsVectors, TheRfcsExamplesVerify) {
    for (const auto& [from, key, token, payload] : examples) {
        const auto keys = KeySet::parse(key, KeySetOrigin::local);
        ASSERT_TRUE(keys) << from << ": " << keys.error();
        const auto jws = parse_jws(token);
        ASSERT_TRUE(jws) << from;
        const auto opened = verify_jws(*jws, *keys);
        ASSERT_TRUE(opened) << from << ": " << to_string(opened.error());
        EXPECT_EQ(opened->payload, payload) << from;
        auto changed = token;
        const auto in_payload = changed.find('.') + 1;
        changed[in_payload] = changed[in_payload] == 'e' ? 'f' : 'e';
        const auto other = parse_jws(changed);
        if (other) EXPECT_FALSE(verify_jws(*other, *keys)) << from << ": another payload";
    }
    EXPECT_FALSE(parse_jws("eyJhbGciOiJub25lIn0." + claims_part + ".")) << "RFC 7515 A.5, unsecured";
    const auto es512 = parse_jws(
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2"
        "SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLz"
        "eO_Jn");
    EXPECT_EQ(es512.error(), TokenError::unsupported_algorithm) << "RFC 7515 A.4";
}

TEST(JwsVectors, TheRfcsKeysAreTakenOrLeftByTheirKind) {
    const auto usable = [](const char* key) { return Jwk::parse(nlohmann::json::parse(key)).has_value(); };
    EXPECT_TRUE(usable(
        R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",)"
        R"("kid":"HMAC key used in JWS spec Appendix A.1 example"})"))
        << "RFC 7517 A.3";
    EXPECT_FALSE(usable(R"({"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"})"))
        << "RFC 7517 A.3, for wrapping keys";
    EXPECT_FALSE(usable(R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                        R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"})"))
        << "RFC 7517 A.1, for encryption";
    EXPECT_FALSE(
        usable(R"({"kty":"EC","crv":"P-521",)"
               R"("x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",)"
               R"("y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"})"))
        << "RFC 7515 A.4, P-521";
}

TEST(JwsVectors, OursVerifyAndAllOthersAreUnsupported) {
    if (!std::filesystem::exists(folder())) return;
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
    if (!std::filesystem::exists(folder())) return;
    const auto usable = [](const char* name) { return Jwk::parse(read(folder() / "jwk" / name)).has_value(); };
    EXPECT_TRUE(usable("3_3.rsa_public_key.json"));
    EXPECT_TRUE(usable("3_4.rsa_private_key.json")) << "its public part";
    EXPECT_TRUE(usable("3_5.symmetric_key_mac_computation.json"));
    EXPECT_FALSE(usable("3_1.ec_public_key.json")) << "P-521";
    EXPECT_FALSE(usable("3_6.symmetric_key_encryption.json")) << "for encryption";
}

}  // namespace sluice::auth
