// The example API on the private servers, filled once per test process.
#pragma once

#include "support/process.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::test {

/// The stack's addresses and secrets, with the example schema loaded.
const Environment& world_environment();
/// `config/world.yaml` of this source tree.
std::filesystem::path world_config();
/// A new key: its id and its text.
struct Key {
    std::string id;
    std::string text;
    std::string header() const { return "X-API-Key: " + text + "\r\n"; }
};
Key create_key(const std::string& tier, const std::vector<std::string>& scopes = {});

}  // namespace sluice::test
