#include "support/world.hpp"

#include "support/private_stack.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace sluice::test {

std::filesystem::path world_config() { return std::filesystem::path{SLUICE_SOURCE_DIR} / "config/world.yaml"; }

const Environment& world_environment() {
    static const Environment environment = [] {
        Environment made;
        for (const auto* name : {"SLUICE_PG_PRIMARY", "SLUICE_PG_REPLICA_1", "SLUICE_PG_SUPER", "SLUICE_PG_REPLICA_1_SUPER",
                                 "SLUICE_REDIS", "SLUICE_KEY_SECRET", "SLUICE_ADMIN_TOKEN"}) {
            made[name] = PrivateStack::instance().env(name);
        }
        made["SLUICE_BIN"] = sluice_program();
        const auto loaded = run_command({std::string{SLUICE_SOURCE_DIR} + "/scripts/load-world"}, made);
        if (loaded.exit_code != 0) throw std::runtime_error{"load-world failed: " + loaded.out + loaded.err};
        return made;
    }();
    return environment;
}

Key create_key(const std::string& tier, const std::vector<std::string>& scopes) {
    std::vector<std::string> command{sluice_program(), "keys", "create", "--config", world_config().string(),
                                     "--tier",         tier,   "--name", "a test",   "--json"};
    for (const auto& scope : scopes) command.insert(command.end(), {"--scope", scope});
    const auto made = run_command(command, world_environment());
    if (made.exit_code != 0) throw std::runtime_error{"keys create failed: " + made.err};
    const auto document = nlohmann::json::parse(made.out);
    return {document.at("id").get<std::string>(), document.at("key").get<std::string>()};
}

}  // namespace sluice::test
