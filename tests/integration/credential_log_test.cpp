// Credentials are in no line of the log, whatever is logged and wherever a client puts them.
#include "auth/key_codec.hpp"
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/signing_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <ctime>

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string key_secret = "a secret for keys, 32 bytes long";
const std::string token_secret = "a secret for tokens, 32 bytes long";
const std::string key_id = "00112233445566778899aabb";

const std::string config = R"(
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
log: { level: debug, access: all }
tiers: { anonymous: { requests: 100000 } }
auth:
  key_secrets: [ ")" + key_secret +
                           R"(" ]
  jwt: { issuer: i, audience: a, hs256_secret: ")" +
                           token_secret + R"(" }
)";

std::string token(const std::string& subject, const std::string& secret) {
    const auto claims =
        R"({"iss":"i","aud":"a","sub":")" + subject + R"(","exp":)" + std::to_string(std::time(nullptr) + 600) + "}";
    return SigningKey::secret(secret).token("HS256", R"({"alg":"HS256","typ":"JWT"})", claims);
}

std::string key(const std::string& secret, const std::string& tier = "pro", std::int64_t expires = 0) {
    return auth::KeyCodec{{secret}}.issue({key_id, tier, expires, {"reviews:write"}});
}

/// What a client may present, and the part of it that must not be read anywhere.
struct Presented {
    std::string field;  // in wire format
    std::string text;
    unsigned status;
};

std::vector<Presented> credentials() {
    const auto in_either = [](const std::string& text, unsigned status) {
        return std::vector<Presented>{{"X-API-Key: " + text + "\r\n", text, status},
                                      {"Authorization: Bearer " + text + "\r\n", text, status}};
    };
    const auto good = key(key_secret);
    auto changed = good;
    changed.back() = changed.back() == 'a' ? 'b' : 'a';
    std::vector<Presented> all;
    for (auto list : {in_either(good, 404), in_either(changed, 401), in_either(key("another secret of enough bytes"), 401),
                      in_either(key(key_secret, "pro", 1), 401), in_either(key(key_secret, "unknown-tier"), 403),
                      in_either("no-credential-at-all-0123456789", 401), in_either(good + "!", 401)}) {
        std::move(list.begin(), list.end(), std::back_inserter(all));
    }
    const auto good_token = token("alice", token_secret);
    const auto forged = token("mallory", "another secret of 32 bytes or more");
    all.push_back({"Authorization: Bearer " + good_token + "\r\n", good_token, 404});
    all.push_back({"Authorization: Bearer " + forged + "\r\n", forged, 401});
    all.push_back({"X-API-Key: " + good_token + "\r\n", good_token, 401});
    all.push_back({"Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n", "dXNlcjpwYXNzd29yZA", 401});
    all.push_back({"X-API-Key: " + good + "\r\nAuthorization: Bearer " + good_token + "\r\n", good_token, 401});
    return all;
}

std::size_t lines_with(const std::string& log, const std::string& text) {
    std::size_t count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
}

}  // namespace

TEST(CredentialLog, NoLineHasACredential) {
    const TemporaryDirectory directory;
    Instance instance{directory.write("api.yaml", config), {}};
    const auto all = credentials();
    for (const auto& one : all)
        EXPECT_EQ(http_get(instance.port(), "/v1/things", one.field).status, one.status) << one.field;
    // Nobody is identified by these: the requests are anonymous, whatever is in them.
    const auto good = key(key_secret);
    const auto good_token = token("alice", token_secret);
    for (const auto& target : {"/v1/things?api_key=" + good, "/v1/things?access_token=" + good_token, "/v1/" + good + "/x",
                               "/v1/%zz?X-API-Key=" + good}) {
        const auto answer = http_get(instance.port(), target);
        EXPECT_GE(answer.status, 400u);
        EXPECT_THAT(answer.header("RateLimit-Policy").value_or(""), HasSubstr("anonymous"));
        EXPECT_THAT(answer.body, Not(HasSubstr(good)));
    }
    // A request id is written down everywhere.
    for (const auto& id : {good, "a." + good, good_token, "x-" + good_token}) {
        const auto answer = http_get(instance.port(), "/v1/things", "X-Request-Id: " + id + "\r\n");
        EXPECT_EQ(answer.header("X-Request-Id").value_or("").size(), 32u) << "one of ours";
        EXPECT_THAT(answer.body, Not(HasSubstr(id)));
    }
    EXPECT_EQ(http_get(instance.port(), "/v1/things", "X-Request-Id: slk_short.eyJ\r\n").header("X-Request-Id"),
              "slk_short.eyJ");
    // A head that cannot be read is logged, too.
    HttpClient broken{instance.port()};
    broken.send("GET /v1/things HTTP/1.1\r\nX-API-Key: " + good + "\r\nHost x\r\n\r\n");
    EXPECT_EQ(broken.receive().value().status, 400u);

    instance.signal(SIGTERM);
    EXPECT_EQ(instance.wait(), 0);
    const auto log = instance.log();
    EXPECT_EQ(lines_with(log, R"("event":"request")"), all.size() + 9);
    EXPECT_GE(lines_with(log, R"("event":"credential_refused")"), 10u) << "level debug is on";
    EXPECT_EQ(lines_with(log, R"("event":"malformed_request")"), 1u);
    EXPECT_THAT(log, HasSubstr(R"("key":")" + key_id + '"')) << "what names a key without being one";
    EXPECT_THAT(log, HasSubstr("?api_key=slk_[redacted]"));
    EXPECT_THAT(log, HasSubstr("?access_token=[redacted]"));
    for (const auto& one : all) EXPECT_THAT(log, Not(HasSubstr(one.text)));
    EXPECT_THAT(log, Not(HasSubstr(good.substr(4, 24)))) << "nor a part of it";
    EXPECT_THAT(log, Not(HasSubstr(good_token.substr(good_token.rfind('.') + 1))));
    EXPECT_THAT(log, Not(HasSubstr(key_secret)));
    EXPECT_THAT(log, Not(HasSubstr(token_secret)));
}

}  // namespace sluice::test
