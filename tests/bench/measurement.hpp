// The figures that `sluice_bench` prints: each has a name, a unit and perhaps a goal. To add one, write a function and
// register it beside those that are there; the table and the JSON are made of what is registered.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::bench {

struct Goal {
    std::string unit;
    std::optional<double> at_most;
};

/// By the measurement's name.
inline std::map<std::string, Goal>& goals() {
    static std::map<std::string, Goal> all;
    return all;
}

/// The figure is what the function says with `report`, or else the nanoseconds that one iteration takes. Of all repetitions
/// the median counts.
///
///     const auto* const registered = measure("API key verified", {"ns", 1'000}, verify_key)->Iterations(300'000);
inline benchmark::internal::Benchmark* measure(const std::string& name, Goal goal, void (*function)(benchmark::State&)) {
    goals()[name] = std::move(goal);
    return benchmark::RegisterBenchmark(name.c_str(), function);
}

/// Something that is counted, not timed.
inline benchmark::internal::Benchmark* measure_once(const std::string& name, Goal goal,
                                                    void (*function)(benchmark::State&)) {
    return measure(name, std::move(goal), function)->Iterations(1);
}

inline void report(benchmark::State& state, double figure) { state.counters["figure"] = figure; }

}  // namespace sluice::bench
