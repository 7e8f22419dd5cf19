// sluice_bench [--json FILE] [--benchmark_filter=REGEX]: runs all measurements and prints one table. `scripts/bench` builds
// and runs it.
#include "bench/measurement.hpp"
#include "telemetry/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

/// Collects what the benchmarks found; prints nothing but what went wrong.
class Collector final : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const auto& run : runs) {
            if (run.run_type != Run::RT_Iteration) continue;
            const auto& name = run.run_name.function_name;
            if (run.error_occurred) {
                std::cerr << "sluice_bench: " << name << ": " << run.error_message << '\n';
                failed_ = true;
                continue;
            }
            if (figures_[name].empty()) order_.push_back(name);
            const auto counted = run.counters.find("figure");
            figures_[name].push_back(counted != run.counters.end() ? counted->second.value : run.GetAdjustedCPUTime());
        }
    }

    bool failed() const { return failed_; }
    const std::vector<std::string>& names() const { return order_; }
    double median(const std::string& name) {
        auto& all = figures_.at(name);
        std::sort(all.begin(), all.end());
        return all[all.size() / 2];
    }

private:
    std::map<std::string, std::vector<double>> figures_;
    std::vector<std::string> order_;
    bool failed_ = false;
};

std::string processor() {
    std::ifstream in{"/proc/cpuinfo"};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown";
}

std::string text_of(double figure) {
    char text[32];
    std::snprintf(text, sizeof text, std::abs(figure) < 1 ? "%.4f" : std::abs(figure) < 100 ? "%.1f" : "%.0f", figure);
    return text;
}

nlohmann::json table_of(Collector& collected) {
    nlohmann::json measurements = nlohmann::json::array();
    for (const auto& name : collected.names()) {
        const auto& goal = goals().at(name);
        const auto figure = collected.median(name);
        nlohmann::json row{{"name", name}, {"figure", figure}, {"unit", goal.unit}, {"goal", nullptr}, {"met", nullptr}};
        if (goal.at_most) {
            row["goal"] = *goal.at_most;
            row["met"] = figure <= *goal.at_most;
        }
        measurements.push_back(std::move(row));
    }
    return {{"processor", processor()}, {"threads", std::thread::hardware_concurrency()}, {"measurements", measurements}};
}

void print(const nlohmann::json& table) {
    std::cout << table["processor"].get<std::string>() << ", " << table["threads"] << " threads\n\n";
    std::printf("%-58s %12s %-6s %9s  %s\n", "measurement", "figure", "unit", "at most", "met");
    for (const auto& row : table["measurements"]) {
        const auto goal = row["goal"].is_null() ? std::string{"-"} : text_of(row["goal"].get<double>());
        const auto* met = "-";
        if (!row["met"].is_null()) met = row["met"].get<bool>() ? "yes" : "NO";
        std::printf("%-58s %12s %-6s %9s  %s\n", row["name"].get_ref<const std::string&>().c_str(),
                    text_of(row["figure"].get<double>()).c_str(), row["unit"].get_ref<const std::string&>().c_str(),
                    goal.c_str(), met);
    }
}

int run(int count, char** arguments) {
    std::string json;
    std::vector<char*> others;
    for (int i = 0; i < count; ++i) {
        if (std::string_view{arguments[i]} == "--json" && i + 1 < count) {
            json = arguments[++i];
        } else {
            others.push_back(arguments[i]);
        }
    }
    int left = static_cast<int>(others.size());
    others.push_back(nullptr);
    log::start(log::Level::warning);  // that Redis is connected is no news here
    benchmark::Initialize(&left, others.data());
    if (benchmark::ReportUnrecognizedArguments(left, others.data())) return 2;
    Collector collected;
    benchmark::RunSpecifiedBenchmarks(&collected);
    const auto table = table_of(collected);
    print(table);
    if (!json.empty() && !(std::ofstream{json} << table.dump(2) << '\n')) {
        std::cerr << "sluice_bench: cannot write " << json << '\n';
        return 1;
    }
    return collected.failed() ? 1 : 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** arguments) { return sluice::bench::run(count, arguments); }
