#include "auth/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace sluice::auth {
namespace {

KeyFileError unreadable(int error) { return {"it cannot be read: " + std::generic_category().message(error)}; }

std::int64_t nanoseconds(const ::timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

struct Descriptor {
    explicit Descriptor(int number) : value{number} {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
    int value;
};

}  // namespace

boost::system::result<std::optional<std::string>, KeyFileError> KeyFile::read() {
    // Not blocking, in case it is a pipe without a writer.
    const Descriptor file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct ::stat found {};
    if (file.value < 0 || ::fstat(file.value, &found) != 0) return unreadable(errno);
    if (!S_ISREG(found.st_mode)) return KeyFileError{"it is no regular file"};
    const Stamp stamp{found.st_dev, found.st_ino, found.st_size, nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
    if (stamp == last_) return std::optional<std::string>{};
    if (found.st_size > static_cast<std::int64_t>(max_bytes)) return KeyFileError{"it is larger than 1 MiB"};
    std::string text(max_bytes + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto count = ::read(file.value, text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unreadable(errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    text.resize(size);
    last_ = stamp;
    return std::optional{std::move(text)};
}

}  // namespace sluice::auth
