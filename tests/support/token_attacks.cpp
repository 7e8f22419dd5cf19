#include "support/token_attacks.hpp"

#include "auth/base64url.hpp"

#include <algorithm>

namespace sluice::test {
namespace {

using auth::encode_base64url;
using auth::TokenError;
using nlohmann::json;

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
    return text;
}

/// The parts of a token: header, payload, signature.
std::vector<std::string> parts_of(const std::string& token) {
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    return {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

std::string joined(const std::vector<std::string>& parts) { return parts[0] + "." + parts[1] + "." + parts[2]; }

/// The same bytes in another spelling: bits of the last character that stand for nothing.
std::string stray_bits(std::string text) {
    text.back() = digits[digits.find(text.back()) + 1];
    return text;
}

class Table {
public:
    explicit Table(const Issuer& issuer) : issuer_{issuer} {}

    void add(std::string name, std::string token, TokenError error) {
        attacks_.push_back({std::move(name), std::move(token), error});
    }
    std::vector<Attack> take() { return std::move(attacks_); }

    void unsigned_ones();
    void confused_algorithms();
    void foreign_keys();
    void damaged_ones();
    void respelled_ones();
    void odd_signatures();
    void odd_headers();
    void wrong_claims();

private:
    /// Signed with HS256 under what everyone knows.
    std::string confused(const std::string& public_key, const char* kid) const {
        const auto header = issuer_.header("HS256", {{"kid", kid}});
        const auto input = signing_input(header, issuer_.claims());
        return input + "." + encode_base64url(hmac_sha256(public_key, input));
    }

    const Issuer& issuer_;
    std::vector<Attack> attacks_;
};

void Table::unsigned_ones() {
    for (const auto* none : {"none", "None", "NONE", "nOnE", "none ", ""}) {
        const auto input = signing_input(json{{"alg", none}}.dump(), issuer_.claims());
        add("alg '" + std::string{none} + "' without signature", input + ".", TokenError::unsupported_algorithm);
    }
    const auto signed_none = issuer_.rsa.token("RS256", json{{"alg", "none"}, {"kid", "rsa-1"}}.dump(), issuer_.claims());
    add("alg none with a signature", signed_none, TokenError::unsupported_algorithm);
    add("no alg", issuer_.rsa.token("RS256", R"({"kid":"rsa-1"})", issuer_.claims()), TokenError::unsupported_algorithm);
    add("alg that is no text", issuer_.rsa.token("RS256", R"({"alg":["RS256"],"kid":"rsa-1"})", issuer_.claims()),
        TokenError::malformed);
    add("alg null", issuer_.rsa.token("RS256", R"({"alg":null,"kid":"rsa-1"})", issuer_.claims()), TokenError::malformed);
    auto parts = parts_of(issuer_.token("RS256"));
    parts[2].clear();
    add("RS256 with an empty signature", joined(parts), TokenError::wrong_signature);
    parts = parts_of(issuer_.token("HS256"));
    parts[2].clear();
    add("HS256 with an empty signature", joined(parts), TokenError::wrong_signature);
}

void Table::confused_algorithms() {
    const auto pem = issuer_.rsa.public_pem();
    add("HS256 with the RSA key's PEM as secret", confused(pem, "rsa-1"), TokenError::unknown_key);
    add("HS256 with the PEM without its last line break", confused(pem.substr(0, pem.size() - 1), "rsa-1"),
        TokenError::unknown_key);
    add("HS256 with the RSA key's DER as secret", confused(issuer_.rsa.public_der(), "rsa-1"), TokenError::unknown_key);
    add("HS256 with the RSA key's modulus as secret", confused(issuer_.rsa.jwk()["n"].get<std::string>(), "rsa-1"),
        TokenError::unknown_key);
    add("HS256 with the RSA key's JWK as secret", confused(issuer_.rsa.jwk().dump(), "rsa-1"), TokenError::unknown_key);
    add("HS256 with the EC key's PEM as secret", confused(issuer_.ec.public_pem(), "ec-1"), TokenError::unknown_key);
    add("HS256 under the secret's name with the PEM", confused(pem, "hs-1"), TokenError::wrong_signature);
    add("HS256 with an empty secret", confused("", "hs-1"), TokenError::wrong_signature);
    add("ES256 naming the RSA key", issuer_.ec.token("ES256", issuer_.header("ES256", {{"kid", "rsa-1"}}), issuer_.claims()),
        TokenError::unknown_key);
    add("RS256 naming the EC key", issuer_.rsa.token("RS256", issuer_.header("RS256", {{"kid", "ec-1"}}), issuer_.claims()),
        TokenError::unknown_key);
    add("PS256 with a signature of RS256", issuer_.rsa.token("RS256", issuer_.header("PS256"), issuer_.claims()),
        TokenError::wrong_signature);
    add("RS256 with a signature of PS256", issuer_.rsa.token("PS256", issuer_.header("RS256"), issuer_.claims()),
        TokenError::wrong_signature);
    for (const auto* algorithm : {"RS384", "RS512", "ES384", "HS384", "HS512", "ES256K", "RSA1_5", "rs256", "RS256 "}) {
        add("alg " + std::string{algorithm}, issuer_.rsa.token("RS256", issuer_.header(algorithm), issuer_.claims()),
            TokenError::unsupported_algorithm);
    }
}

void Table::foreign_keys() {
    const auto& stranger = issuer_.stranger;
    add("another key under a known kid", stranger.token("RS256", issuer_.header("RS256"), issuer_.claims()),
        TokenError::wrong_signature);
    add("an unknown kid", stranger.token("RS256", issuer_.header("RS256", {{"kid", "rsa-2"}}), issuer_.claims()),
        TokenError::unknown_key);
    for (const auto* kid : {"../../../../dev/null", "/dev/null", "' union select 'x", "rsa-1\n", "rsa-1%00", "RSA-1"}) {
        add("kid " + std::string{kid}, stranger.token("RS256", issuer_.header("RS256", {{"kid", kid}}), issuer_.claims()),
            TokenError::unknown_key);
    }
    const auto injected = confused("", "../../../../dev/null");
    add("a kid that points to nothing, and an empty secret", injected, TokenError::unknown_key);
    add("kid that is no text", issuer_.rsa.token("RS256", issuer_.header("RS256", {{"kid", 1}}), issuer_.claims()),
        TokenError::malformed);
    const std::string url = "https://attacker.example/keys";
    const json own = stranger.jwk({{"kid", "rsa-1"}});
    const std::vector<std::pair<const char*, json>> embedded{
        {"jwk", own}, {"jku", url}, {"x5u", url}, {"x5c", json::array({encode_base64url(stranger.public_der())})}};
    for (const auto& [member, value] : embedded) {
        add("a key of one's own in " + std::string{member},
            stranger.token("RS256", issuer_.header("RS256", {{member, value}}), issuer_.claims()),
            TokenError::wrong_signature);
        add("a key of one's own in " + std::string{member} + " under a new kid",
            stranger.token("RS256", issuer_.header("RS256", {{member, value}, {"kid", "mine"}}), issuer_.claims()),
            TokenError::unknown_key);
    }
    const auto other_secret = SigningKey::secret("another secret of 32 bytes or more!!");
    add("another secret", other_secret.token("HS256", issuer_.header("HS256"), issuer_.claims()),
        TokenError::wrong_signature);
    const auto with = [&](const SigningKey& key, const char* kid) {
        return key.token("RS256", issuer_.header("RS256", {{"kid", kid}}), issuer_.claims());
    };
    add("a key for encryption", with(issuer_.encryption, "enc-1"), TokenError::unknown_key);
    add("a key for wrapping keys", with(issuer_.wrapping, "wrap-1"), TokenError::unknown_key);
    add("an RSA key of 1024 bits", with(issuer_.weak, "weak-1"), TokenError::unknown_key);
}

void Table::damaged_ones() {
    const auto good = issuer_.token("RS256");
    const auto parts = parts_of(good);
    const auto other = parts_of(issuer_.token("RS256", {{"sub", "mallory"}}));
    add("claims of another token", joined({parts[0], other[1], parts[2]}), TokenError::wrong_signature);
    add("a swapped signature", joined({parts[0], parts[1], other[2]}), TokenError::wrong_signature);
    add("cut off in the signature", good.substr(0, good.size() - 6), TokenError::wrong_signature);
    add("cut off before the signature", parts[0] + "." + parts[1], TokenError::malformed);
    add("the header alone", parts[0], TokenError::malformed);
    add("an empty header", "." + parts[1] + "." + parts[2], TokenError::malformed);
    add("empty claims", parts[0] + ".." + parts[2], TokenError::wrong_signature);
    add("two dots alone", "..", TokenError::malformed);
    add("a fourth part", good + "." + parts[2], TokenError::malformed);
    add("five parts, as of JWE", good + "..", TokenError::malformed);
    add("the token twice", good + good, TokenError::malformed);
    add("the token twice, with a comma", good + "," + good, TokenError::malformed);
    add("too long", issuer_.token("RS256", {{"filler", std::string(9000, 'x')}}), TokenError::malformed);
    add("JSON serialisation", json{{"protected", parts[0]}, {"payload", parts[1]}, {"signature", parts[2]}}.dump(),
        TokenError::malformed);
    add("no token at all", "Zm9v", TokenError::malformed);
    add("a header that is no JSON", encode_base64url("alg=RS256") + "." + parts[1] + "." + parts[2], TokenError::malformed);
}

void Table::respelled_ones() {
    const auto parts = parts_of(issuer_.token("RS256"));
    // 2048 bits are 256 bytes: 342 characters, the last with four bits that stand for nothing.
    add("stray bits in the signature", joined({parts[0], parts[1], stray_bits(parts[2])}), TokenError::malformed);
    add("padding", joined({parts[0], parts[1], parts[2] + "=="}), TokenError::malformed);
    add("padding in the header", joined({parts[0] + "=", parts[1], parts[2]}), TokenError::malformed);
    add("a space at the end", joined(parts) + " ", TokenError::malformed);
    add("a line break inside", parts[0] + ".\n" + parts[1] + "." + parts[2], TokenError::malformed);
    auto standard = parts;
    std::replace(standard[2].begin(), standard[2].end(), '-', '+');
    std::replace(standard[2].begin(), standard[2].end(), '_', '/');
    if (standard != parts) add("base64 instead of base64url", joined(standard), TokenError::malformed);
}

void Table::odd_signatures() {
    const auto header = issuer_.header("ES256");
    const auto input = signing_input(header, issuer_.claims());
    const auto with = [&](std::string_view signature) { return input + "." + encode_base64url(signature); };
    const auto raw = issuer_.ec.sign("ES256", input);
    add("ES256 with a signature in DER", with(issuer_.ec.sign_der(input)), TokenError::wrong_signature);
    add("ES256 with r = s = 0", with(std::string(64, '\0')), TokenError::wrong_signature);
    add("ES256 with r = 0", with(std::string(32, '\0') + raw.substr(32)), TokenError::wrong_signature);
    add("ES256 with s = 0", with(raw.substr(0, 32) + std::string(32, '\0')), TokenError::wrong_signature);
    add("ES256 with r and s swapped", with(raw.substr(32) + raw.substr(0, 32)), TokenError::wrong_signature);
    add("ES256 with 96 bytes", with(raw + std::string(32, '\0')), TokenError::wrong_signature);
    const auto ed_header = issuer_.header("EdDSA");
    const auto ed_input = signing_input(ed_header, issuer_.claims());
    add("EdDSA with zeros", ed_input + "." + encode_base64url(std::string(64, '\0')), TokenError::wrong_signature);
    const auto rsa_input = signing_input(issuer_.header("RS256"), issuer_.claims());
    add("RS256 with a zero byte before", rsa_input + "." + encode_base64url('\0' + issuer_.rsa.sign("RS256", rsa_input)),
        TokenError::wrong_signature);
    add("RS256 with the value 1", rsa_input + "." + encode_base64url(std::string(255, '\0') + '\1'),
        TokenError::wrong_signature);
}

void Table::odd_headers() {
    const auto claims = issuer_.claims();
    const auto with = [&](const std::string& header) { return issuer_.rsa.token("RS256", header, claims); };
    add("crit with an unknown extension",
        issuer_.token("RS256", json::object(), {{"crit", json::array({"exp"})}, {"exp", 1}}),
        TokenError::critical_extension);
    add("crit with b64", issuer_.token("RS256", json::object(), {{"crit", json::array({"b64"})}, {"b64", false}}),
        TokenError::critical_extension);
    add("an empty crit", issuer_.token("RS256", json::object(), {{"crit", json::array()}}), TokenError::critical_extension);
    add("alg twice", with(R"({"alg":"RS256","alg":"none","kid":"rsa-1"})"), TokenError::malformed);
    add("alg twice, once escaped", with(R"({"alg":"RS256","\u0061lg":"none","kid":"rsa-1"})"), TokenError::malformed);
    add("kid twice", with(R"({"alg":"RS256","kid":"rsa-1","kid":"rsa-1"})"), TokenError::malformed);
    add("a byte order mark before the header", with("\xEF\xBB\xBF" + issuer_.header("RS256")), TokenError::malformed);
    add("a list for a header", with(R"(["RS256"])"), TokenError::malformed);
    add("a logout token", issuer_.token("RS256", json::object(), {{"typ", "logout+jwt"}}), TokenError::unsupported_type);
    add("a DPoP proof", issuer_.token("RS256", json::object(), {{"typ", "dpop+jwt"}}), TokenError::unsupported_type);
}

void Table::wrong_claims() {
    const auto now = issuer_.now;
    const auto with = [&](const json& changes) { return issuer_.token("ES256", changes); };
    const auto raw = [&](const std::string& claims) { return issuer_.ec.token("ES256", issuer_.header("ES256"), claims); };
    add("expired", with({{"exp", now - 3600}}), TokenError::expired);
    add("expired ages ago", with({{"exp", 0}}), TokenError::expired);
    add("a negative exp", with({{"exp", -1}}), TokenError::expired);
    add("exp as text", with({{"exp", std::to_string(now + 600)}}), TokenError::malformed_claims);
    add("exp true", with({{"exp", true}}), TokenError::malformed_claims);
    add("no exp", with({{"exp", nullptr}}), TokenError::missing_claim);
    add("not yet valid", with({{"nbf", now + 3600}}), TokenError::not_yet_valid);
    add("nbf as text", with({{"nbf", "0"}}), TokenError::malformed_claims);
    add("issued in the future", with({{"iat", now + 3600}}), TokenError::issued_in_future);
    add("another issuer", with({{"iss", "https://attacker.example"}}), TokenError::wrong_issuer);
    add("nearly the issuer", with({{"iss", std::string{Issuer::name} + "/"}}), TokenError::wrong_issuer);
    add("issuers in a list", with({{"iss", json::array({Issuer::name})}}), TokenError::malformed_claims);
    add("no issuer", with({{"iss", nullptr}}), TokenError::missing_claim);
    add("another audience", with({{"aud", "https://other.example"}}), TokenError::wrong_audience);
    add("other audiences", with({{"aud", json::array({"a", "b"})}}), TokenError::wrong_audience);
    add("no audiences", with({{"aud", json::array()}}), TokenError::wrong_audience);
    add("no audience", with({{"aud", nullptr}}), TokenError::missing_claim);
    add("an audience in a mapping", with({{"aud", {{Issuer::audience, true}}}}), TokenError::malformed_claims);
    add("no subject", with({{"sub", nullptr}}), TokenError::missing_claim);
    add("an empty subject", with({{"sub", ""}}), TokenError::malformed_claims);
    add("a subject that is a number", with({{"sub", 1}}), TokenError::malformed_claims);
    add("a subject with NUL", with({{"sub", std::string{"alice\0bob", 9}}}), TokenError::malformed_claims);
    add("a long subject", with({{"sub", std::string(256, 'x')}}), TokenError::malformed_claims);
    add("a claim twice", raw(replaced(issuer_.claims(), "{", R"({"sub":"mallory",)")), TokenError::malformed_claims);
    add("a claim twice further in", raw(replaced(issuer_.claims(), "{", R"({"x":{"a":1,"a":2},)")),
        TokenError::malformed_claims);
    add("claims that are no object", raw("[" + issuer_.claims() + "]"), TokenError::malformed_claims);
    add("claims that are no JSON", raw("sub=alice"), TokenError::malformed_claims);
    add("claims that are no UTF-8", raw(replaced(issuer_.claims(), "alice", "alic\xe9")), TokenError::malformed_claims);
    add("a token inside of a token", raw(issuer_.token("ES256")), TokenError::malformed_claims);
}

}  // namespace

Issuer::Issuer(std::int64_t moment) : now{moment} {}

std::string Issuer::jwks() const {
    const auto keys = json::array({rsa.jwk({{"kid", "rsa-1"}, {"use", "sig"}}), ec.jwk({{"kid", "ec-1"}, {"alg", "ES256"}}),
                                   ed25519.jwk({{"kid", "ed-1"}, {"key_ops", json::array({"verify"})}}),
                                   secret.jwk({{"kid", "hs-1"}}), encryption.jwk({{"kid", "enc-1"}, {"use", "enc"}}),
                                   wrapping.jwk({{"kid", "wrap-1"}, {"key_ops", json::array({"wrapKey"})}}),
                                   weak.jwk({{"kid", "weak-1"}})});
    return json{{"keys", keys}}.dump();
}

std::string Issuer::claims(const json& changes) const {
    json claims{{"iss", name},     {"aud", json::array({audience, "https://another.example"})},
                {"sub", "alice"},  {"exp", now + 600},
                {"nbf", now - 60}, {"iat", now - 60},
                {"tier", "pro"},   {"scope", "reviews:read reviews:write"}};
    claims.merge_patch(changes);
    return claims.dump();
}

std::string Issuer::header(std::string_view algorithm, const json& more) const {
    json header{{"alg", algorithm}, {"typ", "JWT"}, {"kid", kid(algorithm)}};
    header.update(more);
    return header.dump();
}

std::string Issuer::token(std::string_view algorithm, const json& changed_claims, const json& more_header) const {
    return key(algorithm).token(algorithm, header(algorithm, more_header), claims(changed_claims));
}

const SigningKey& Issuer::key(std::string_view algorithm) const {
    if (algorithm == "HS256") return secret;
    if (algorithm == "ES256") return ec;
    if (algorithm == "EdDSA") return ed25519;
    return rsa;
}

const char* Issuer::kid(std::string_view algorithm) {
    if (algorithm == "HS256") return "hs-1";
    if (algorithm == "ES256") return "ec-1";
    if (algorithm == "EdDSA") return "ed-1";
    return "rsa-1";
}

std::vector<Attack> token_attacks(const Issuer& issuer) {
    Table table{issuer};
    table.unsigned_ones();
    table.confused_algorithms();
    table.foreign_keys();
    table.damaged_ones();
    table.respelled_ones();
    table.odd_signatures();
    table.odd_headers();
    table.wrong_claims();
    return table.take();
}

}  // namespace sluice::test
