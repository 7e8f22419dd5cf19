// What one limiter_driver has decided: every admission with its moments, and how many requests there were. Hides the file:
// it is shared memory, so what was written is there whatever becomes of the process that wrote it, kill -9 included.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <type_traits>
#include <vector>

namespace sluice::test {

/// Moments are CLOCK_BOOTTIME in nanoseconds: the machine's monotonic clock, one for all its processes.
struct Admission {
    std::int64_t called = 0;   ///< before the limiter was asked
    std::int64_t decided = 0;  ///< the reading of the clock by which the limiter admitted
    std::uint32_t key = 0;
    std::uint16_t cost = 0;
    std::uint16_t instances = 0;  ///< admitted without Redis, as one of so many; 0: from Redis
    std::int64_t answered = 0;    ///< when the caller had the decision; 0: it never had, the process ended in between
};

class AdmissionLog {
public:
    struct Totals {
        std::atomic<std::uint64_t> requests{0};  ///< decided
        std::atomic<std::uint64_t> rejected{0};  ///< 429
        std::atomic<std::uint64_t> refused{0};   ///< 503
        std::atomic<std::uint64_t> local{0};     ///< admitted without Redis
        std::atomic<std::uint32_t> available{0};
        std::atomic<std::uint32_t> instances{0};
    };

    /// Opens the file, or makes it. Throws std::system_error.
    explicit AdmissionLog(const std::filesystem::path& file) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (descriptor < 0) throw std::system_error{errno, std::generic_category(), file.string()};
        // Sparse: what is never written takes no space.
        void* memory = MAP_FAILED;
        if (::ftruncate(descriptor, sizeof(File)) == 0) {
            memory = ::mmap(nullptr, sizeof(File), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        }
        const int error = errno;
        ::close(descriptor);
        if (memory == MAP_FAILED) throw std::system_error{error, std::generic_category(), file.string()};
        file_ = static_cast<File*>(memory);  // a new file is zeros, which is how all of it begins
    }
    ~AdmissionLog() { ::munmap(file_, sizeof(File)); }
    AdmissionLog(const AdmissionLog&) = delete;
    AdmissionLog& operator=(const AdmissionLog&) = delete;

    Totals& totals() noexcept { return file_->totals; }

    /// From any thread. Aborts when the file is full: a log with holes proves nothing.
    void append(const Admission& admission) noexcept {
        const auto index = file_->count.fetch_add(1);
        if (index >= capacity) std::abort();
        auto& entry = file_->admissions[index];
        auto unfinished = admission;
        unfinished.answered = 0;
        entry = unfinished;
        std::atomic_ref{entry.answered}.store(admission.answered, std::memory_order_release);
    }

    /// All that was answered. Only when nobody appends any more.
    std::vector<Admission> admissions() const {
        std::vector<Admission> all(file_->admissions, file_->admissions + std::min<std::size_t>(file_->count, capacity));
        std::erase_if(all, [](const Admission& one) { return one.answered == 0; });
        return all;
    }

private:
    static constexpr std::size_t capacity = 2'000'000;
    struct File {
        Totals totals;
        std::atomic<std::uint64_t> count{0};
        Admission admissions[capacity];
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::is_standard_layout_v<File>);

    File* file_;
};

}  // namespace sluice::test
