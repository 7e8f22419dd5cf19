#include "auth/key_set.hpp"

#include "auth/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice::auth {
namespace {

using nlohmann::json;

boost::system::result<Jwk, std::string> parse_key(const json& member, KeySetOrigin origin) {
    auto key = Jwk::parse(member);
    if (key && origin == KeySetOrigin::fetched && key->is_symmetric())
        return std::string{"a symmetric key that others can read is no secret"};
    return key;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
    return text;
}

}  // namespace

boost::system::result<KeySet, std::string> KeySet::parse(std::string_view text, KeySetOrigin origin) {
    const auto document = parse_strict_object(text);
    if (!document) return std::string{"it is no JSON object without duplicate names"};
    const auto listed = document->find("keys");
    const auto members = listed == document->end() ? json::array({*document}) : *listed;
    if (!members.is_array()) return std::string{"its 'keys' is no list"};
    if (members.size() > max_keys) return "it has more than " + std::to_string(max_keys) + " keys";

    KeySet set{{}};
    for (std::size_t i = 0; i < members.size(); ++i) {
        auto key = parse_key(members[i], origin);
        if (key)
            set.keys_.push_back(std::move(*key));
        else
            set.left_out_.push_back("key " + std::to_string(i + 1) + ": " + key.error());
    }
    if (set.keys_.empty())
        return "no key of it is of use" + (set.left_out_.empty() ? "" : " (" + joined(set.left_out_) + ")");
    return set;
}

boost::system::result<const Jwk*, TokenError> KeySet::find(JwsAlgorithm algorithm,
                                                           const std::optional<std::string>& kid) const {
    std::vector<const Jwk*> named;
    std::vector<const Jwk*> unnamed;
    std::vector<const Jwk*> all;
    for (const auto& key : keys_) {
        if (!key.fits(algorithm)) continue;
        all.push_back(&key);
        if (key.kid().empty()) unnamed.push_back(&key);
        if (kid && !kid->empty() && key.kid() == *kid) named.push_back(&key);
    }
    // A key without a name contradicts no `kid`; one of another name does.
    const auto& candidates = !kid ? all : !named.empty() ? named : unnamed;
    if (candidates.empty()) return TokenError::unknown_key;
    if (candidates.size() > 1) return TokenError::ambiguous_key;
    return candidates.front();
}

bool KeySet::contains(const Jwk::Fingerprint& fingerprint) const noexcept {
    return std::any_of(keys_.begin(), keys_.end(), [&](const Jwk& key) { return key.fingerprint() == fingerprint; });
}

}  // namespace sluice::auth
