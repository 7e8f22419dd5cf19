// `token verify` and `keys verify`: what a credential says, or why an instance would refuse it.
#include "app/token_keys.hpp"
#include "auth/jws.hpp"
#include "auth/key_codec.hpp"
#include "auth/key_file.hpp"
#include "auth/token_verifier.hpp"
#include "cli/commands.hpp"
#include "runtime/iso_time.hpp"
#include "sluice/settings.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <iostream>

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;
using std::chrono::system_clock;

/// `-`: from standard input, so that the credential shows in no list of processes.
std::string credential_of(const std::string& argument) {
    if (argument != "-") return argument;
    std::string line;
    std::getline(std::cin, line);
    return line;
}

/// As JSON the reason goes to stdout, too; the exit code and the line on stderr are the same.
[[noreturn]] void refuse(const Common& common, const std::string& what, std::string_view reason) {
    if (common.json) std::cout << ordered_json{{"valid", false}, {"reason", reason}}.dump(2) << '\n';
    throw Failure{what + " is refused: " + std::string{reason}};
}

auth::KeySet keys_in_file(const std::filesystem::path& path) {
    const auto text = auth::KeyFile{path}.read();
    if (!text) throw Failure{path.string() + ": " + text.error().reason};
    auto keys = auth::KeySet::parse(text->value_or(""), auth::KeySetOrigin::local);
    if (!keys) throw Failure{path.string() + ": " + keys.error()};
    return std::move(*keys);
}

/// Of several issuers the one that the token names; null: none is configured.
const JwtSettings* issuer_of(const std::string& token, const std::vector<JwtSettings>& all, const Common& common) {
    if (all.size() < 2) return all.empty() ? nullptr : &all.front();
    const auto issuer = auth::claimed_issuer(token);
    if (!issuer) refuse(common, "the token", to_string(issuer.error()));
    for (const auto& jwt : all) {
        if (jwt.issuer == *issuer) return &jwt;
    }
    refuse(common, "the token", to_string(auth::TokenError::wrong_issuer));
}

auth::KeySet keys_of(const JwtSettings* jwt, const std::optional<std::filesystem::path>& jwk) {
    if (jwk) return keys_in_file(*jwk);
    if (!jwt) throw Failure{"the configuration has no 'auth.jwt'; give the key with --jwk"};
    auto keys = app::load_keys(*jwt);
    if (!keys) throw Failure{"the keys of " + app::key_source(*jwt) + " cannot be had: " + keys.error()};
    return std::move(*keys);
}

std::string tier_of(const auth::TokenClaims& claims, const Settings& settings, const JwtSettings* jwt) {
    if (claims.tier && settings.tiers.contains(*claims.tier)) return *claims.tier;
    return jwt != nullptr ? jwt->default_tier : JwtSettings{}.default_tier;
}

}  // namespace

int verify_token(const Common& common, const VerifyToken& wanted) {
    if (common.config.empty() && !wanted.jwk) throw Failure{"--config or --jwk is needed: a token by itself proves nothing"};
    const auto settings = common.config.empty() ? Settings{} : load_settings(common.config);
    const auto token = credential_of(wanted.token);
    const auto* jwt = issuer_of(token, settings.auth.jwt, common);
    auth::TokenVerifier verifier{jwt ? app::jwt_rules(*jwt) : auth::JwtRules{}};
    verifier.replace(keys_of(jwt, wanted.jwk));

    const auto verified = verifier.verify(token, system_clock::now());
    if (!verified) refuse(common, "the token", to_string(verified.error()));
    if (!jwt) std::cerr << "note: without 'auth.jwt' of a configuration, issuer and audience are not checked\n";
    const auto& claims = **verified;
    const auto document = ordered_json::parse(claims.json);
    if (!common.json) {
        std::cout << document.dump(2) << '\n';
        return 0;
    }
    std::cout << ordered_json{{"valid", true},
                              {"sub", claims.subject},
                              {"tier", tier_of(claims, settings, jwt)},
                              {"scopes", claims.scopes},
                              {"claims", document}}
                     .dump(2)
              << '\n';
    return 0;
}

int verify_key(const Common& common, const std::string& key) {
    const auto settings = load_settings(common.config);
    if (settings.auth.key_secrets.empty()) throw Failure{"auth.key_secrets is empty: no key verifies"};
    const auth::KeyCodec codec{settings.auth.key_secrets};
    const auto verified = codec.verify(credential_of(key), system_clock::now());
    if (!verified) refuse(common, "the key", reason_of(verified.error()));
    if (!settings.tiers.contains(verified->tier))
        refuse(common, "the key", "its tier '" + verified->tier + "' is not configured");
    const auto expires =
        verified->expires == 0
            ? ordered_json{}
            : ordered_json(runtime::iso_time(system_clock::time_point{std::chrono::seconds{verified->expires}}));
    if (common.json) {
        std::cout << ordered_json{{"valid", true},
                                  {"id", verified->id},
                                  {"tier", verified->tier},
                                  {"scopes", verified->scopes},
                                  {"expires_at", expires}}
                         .dump(2)
                  << '\n';
        return 0;
    }
    std::cout << "id " << verified->id << "\ntier " << verified->tier << '\n';
    for (const auto& scope : verified->scopes) std::cout << "scope " << scope << '\n';
    std::cout << "expires " << (expires.is_null() ? "never" : expires.get<std::string>()) << '\n';
    std::cerr << "note: whether it was revoked or given another tier since, 'sluice keys list' shows\n";
    return 0;
}

}  // namespace sluice::cli
