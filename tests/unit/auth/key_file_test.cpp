#include "auth/key_file.hpp"
#include "support/process.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

namespace sluice::auth {
namespace {

std::optional<std::string> text_of(KeyFile& file) {
    const auto read = file.read();
    if (!read) throw std::runtime_error{read.error().reason};
    return *read;
}

}  // namespace

TEST(KeyFile, IsReadAgainOnlyWhenItChanged) {
    const test::TemporaryDirectory directory;
    KeyFile file{directory.write("keys.json", "one")};
    EXPECT_EQ(text_of(file), "one");
    EXPECT_EQ(text_of(file), std::nullopt) << "unchanged";
    directory.write("keys.json", "longer");
    EXPECT_EQ(text_of(file), "longer");
    // Replaced by one of the same size and time: what `mv` or a ConfigMap does.
    const auto other = directory.write("other.json", "LONGER");
    std::filesystem::last_write_time(other, std::filesystem::last_write_time(directory.path() / "keys.json"));
    std::filesystem::rename(other, directory.path() / "keys.json");
    EXPECT_EQ(text_of(file), "LONGER");
}

TEST(KeyFile, SaysWhyItCannotBeRead) {
    const test::TemporaryDirectory directory;
    EXPECT_EQ(KeyFile{directory.path() / "none"}.read().error().reason, "it cannot be read: No such file or directory");
    EXPECT_EQ(KeyFile{directory.path()}.read().error().reason, "it is no regular file");
    EXPECT_EQ(KeyFile{directory.write("large", std::string(KeyFile::max_bytes + 1, ' '))}.read().error().reason,
              "it is larger than 1 MiB");
}

}  // namespace sluice::auth
