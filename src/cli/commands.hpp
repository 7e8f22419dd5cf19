// What each command does. They print to stdout, throw what went wrong, and return the exit code.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::cli {

/// Exit code: another transaction held a lock all the time. Running the command again may succeed.
constexpr int locked_out = 75;  // EX_TEMPFAIL of sysexits.h

/// A command failed; the message says why and what to do.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Common {
    std::filesystem::path config;
    bool json = false;
};

struct Check {
    bool offline = false;  ///< nothing is asked of the database
};

struct Migrate {
    bool dry_run = false;      ///< print the SQL, run nothing
    bool remove = false;       ///< take the triggers away
    std::string wait = "60s";  ///< a duration: for a lock that another transaction holds
};

struct CreateKey {
    std::string name;
    std::string tier;
    std::vector<std::string> scopes;
    std::optional<std::string> expires;  ///< a duration from now on
};

struct ListKeys {
    std::optional<std::string> name;  ///< its beginning
    std::optional<std::string> tier;
    std::string state;  ///< active | expired | revoked; empty: any
    std::size_t limit = 100;
};

struct VerifyToken {
    std::string token;                         ///< `-`: from standard input
    std::optional<std::filesystem::path> jwk;  ///< a JWK or a set of them, instead of the configured keys
};

int serve(const Common& common);
int check(const Common& common, const Check& how);
int migrate(const Common& common, const Migrate& wanted);
int create_key(const Common& common, const CreateKey& key);
int list_keys(const Common& common, const ListKeys& wanted);
int show_key(const Common& common, const std::string& id);
int revoke_key(const Common& common, const std::string& id);
int set_key_tier(const Common& common, const std::string& id, const std::string& tier);
/// `grace`: a duration.
int rotate_key(const Common& common, const std::string& id, const std::string& grace);
/// `key`: `-` for standard input.
int verify_key(const Common& common, const std::string& key);
int verify_token(const Common& common, const VerifyToken& token);
/// The key's last so many days.
int show_usage(const Common& common, const std::string& key, unsigned days);
/// What to purge: one of the two, or neither for everything.
struct Purged {
    std::optional<std::string> tag, pattern;
};
int purge(const Common& common, const Purged& what);
int version(bool json);

}  // namespace sluice::cli
