#include "telemetry/process_metrics.hpp"

#include <sys/resource.h>
#include <sys/times.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace sluice::telemetry {
namespace {

void write(std::ostringstream& out, const char* name, const char* type, const char* help, double value) {
    out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n' << name << ' ' << value << '\n';
}

/// The fields of /proc/self/stat after the command's name, so that index 0 is field 3 of proc(5).
std::vector<std::string> stat_fields() {
    std::ifstream file{"/proc/self/stat"};
    std::string line;
    std::getline(file, line);
    std::istringstream rest{line.substr(std::min(line.size(), line.rfind(')') + 1))};
    std::vector<std::string> fields;
    for (std::string field; rest >> field;) fields.push_back(field);
    return fields;
}

double boot_time() {
    std::ifstream file{"/proc/stat"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("btime ")) return std::stod(line.substr(6));
    }
    return 0;
}

}  // namespace

std::string process_metrics() {
    std::ostringstream out;
    out.precision(15);
    const auto fields = stat_fields();
    if (fields.size() > 21) {
        const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
        const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
        write(out, "process_cpu_seconds_total", "counter", "User and system CPU time spent.",
              (std::stod(fields[11]) + std::stod(fields[12])) / ticks);
        write(out, "process_start_time_seconds", "gauge", "Start of the process since the epoch.",
              boot_time() + std::stod(fields[19]) / ticks);
        write(out, "process_virtual_memory_bytes", "gauge", "Virtual memory size.", std::stod(fields[20]));
        write(out, "process_resident_memory_bytes", "gauge", "Resident memory size.", std::stod(fields[21]) * page);
    }
    std::error_code error;
    std::size_t open = 0;
    for (std::filesystem::directory_iterator it{"/proc/self/fd", error}, end; !error && it != end; it.increment(error))
        ++open;
    if (!error) write(out, "process_open_fds", "gauge", "Open file descriptors.", static_cast<double>(open));
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        write(out, "process_max_fds", "gauge", "Most file descriptors that may be open.",
              static_cast<double>(limit.rlim_cur));
    }
    return out.str();
}

}  // namespace sluice::telemetry
