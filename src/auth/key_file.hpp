// A key set in a file, read again only when the file has changed.
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::auth {

/// Why there is no text, in words.
struct KeyFileError {
    std::string reason;
};

class KeyFile {
public:
    static constexpr std::size_t max_bytes = 1024 * 1024;

    explicit KeyFile(std::filesystem::path path) : path_{std::move(path)} {}

    /// The text; nothing if it is, by inode, size and times, the file that was read last; or why it cannot be read. A file
    /// of which reading failed is tried again.
    boost::system::result<std::optional<std::string>, KeyFileError> read();

private:
    /// By these a replaced or rewritten file differs, also one with an older time of modification.
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        std::int64_t modified_ns = 0;
        std::int64_t changed_ns = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };

    std::filesystem::path path_;
    std::optional<Stamp> last_;
};

}  // namespace sluice::auth
