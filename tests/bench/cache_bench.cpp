// The in-process cache level: what share of requests it answers, beside LRU and FIFO, and how many look-ups it does.
#include "bench/measurement.hpp"
#include "cache/level_one.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::bench {
namespace {

constexpr std::size_t key_count = 100'000;
constexpr std::size_t warm_up = 500'000;
constexpr std::size_t counted = 1'500'000;

using Trace = std::vector<std::uint32_t>;

const std::vector<std::string>& keys() {
    static const auto all = [] {
        std::vector<std::string> names;
        names.reserve(key_count);
        for (std::size_t i = 0; i < key_count; ++i) {
            char name[32];
            std::snprintf(name, sizeof name, "3f2a9c0d11e4b857:/v1/%08zu", i);
            names.emplace_back(name);
        }
        return names;
    }();
    return all;
}

/// The key of rank r is asked for with a probability that is proportional to 1 / r^exponent. The same at every run.
Trace zipf(double exponent, std::size_t length, std::uint64_t seed = 1) {
    std::vector<double> up_to(key_count);
    double sum = 0;
    for (std::size_t i = 0; i < key_count; ++i) up_to[i] = sum += 1 / std::pow(static_cast<double>(i + 1), exponent);
    std::mt19937_64 random{seed};
    Trace trace(length);
    for (auto& key : trace) {
        const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
        const auto found = std::upper_bound(up_to.begin(), up_to.end(), at) - up_to.begin();
        key = static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(found, key_count - 1));
    }
    return trace;
}

/// Every tenth request is the next one of somebody who asks for all keys in turn.
Trace scanned(Trace trace) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < trace.size(); i += 10) trace[i] = next++ % key_count;
    return trace;
}

cache::ValuePointer value_of(std::size_t bytes) {
    auto value = std::make_shared<cache::CachedValue>();
    value->body.assign(bytes, 'x');
    return value;
}

/// Values of one size, so that a shard's bytes are a number of entries: the most that fit, found by trying.
std::size_t entries_that_fit_a_shard(std::size_t budget) {
    cache::LevelOne cache{budget};
    const auto value = value_of(200);
    for (const auto& key : keys()) cache.put(key, value);
    return cache.entries() / cache::LevelOne::shard_count;
}

std::size_t budget_for(std::size_t entries) {
    const auto value = value_of(200);
    cache::LevelOne one{std::size_t{1} << 30};
    one.put(keys().front(), value);
    return one.bytes() * entries;
}

/// LRU or FIFO over as many shards of as many entries, with the cache's own choice of the shard.
class Reference {
public:
    Reference(std::size_t entries_per_shard, bool moves_hits) : capacity_{entries_per_shard}, moves_hits_{moves_hits} {
        shard_of_.reserve(key_count);
        for (const auto& key : keys()) {
            shard_of_.push_back((std::hash<std::string_view>{}(key) >> 48) % cache::LevelOne::shard_count);
        }
    }
    /// Whether it was there; it is now.
    bool ask(std::uint32_t key) {
        auto& shard = shards_[shard_of_[key]];
        if (const auto found = shard.index.find(key); found != shard.index.end()) {
            if (moves_hits_) shard.queue.splice(shard.queue.begin(), shard.queue, found->second);
            return true;
        }
        shard.queue.push_front(key);
        shard.index.emplace(key, shard.queue.begin());
        if (shard.queue.size() > capacity_) {
            shard.index.erase(shard.queue.back());
            shard.queue.pop_back();
        }
        return false;
    }

private:
    struct Shard {
        std::list<std::uint32_t> queue;  // newest first
        std::unordered_map<std::uint32_t, std::list<std::uint32_t>::iterator> index;
    };
    const std::size_t capacity_;
    const bool moves_hits_;
    std::vector<std::size_t> shard_of_;
    std::array<Shard, cache::LevelOne::shard_count> shards_;
};

template <class Ask>
double hit_ratio(const Trace& trace, Ask ask) {
    std::size_t hits = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        const bool hit = ask(trace[i]);
        if (hit && i >= warm_up) ++hits;
    }
    return static_cast<double>(hits) / static_cast<double>(trace.size() - warm_up);
}

enum class Load {
    zipf08,  // Zipf 0.8
    zipf10,  // Zipf 1.0
    scan,    // Zipf 1.0 with a scan
};

struct Ratios {
    double sieve = 0;
    double lru = 0;
    double fifo = 0;
};

/// `percent` of the keys fit in.
const Ratios& ratios(Load load, std::size_t percent) {
    static std::map<std::pair<Load, std::size_t>, Ratios> known;
    const auto [entry, is_new] = known.try_emplace({load, percent});
    if (!is_new) return entry->second;
    auto trace = zipf(load == Load::zipf08 ? 0.8 : 1.0, warm_up + counted);
    if (load == Load::scan) trace = scanned(std::move(trace));
    const auto budget = budget_for(key_count * percent / 100);
    cache::LevelOne cache{budget};
    const auto value = value_of(200);
    const auto sieve = [&](std::uint32_t key) {
        if (cache.find(keys()[key])) return true;
        cache.put(keys()[key], value);
        return false;
    };
    const auto capacity = entries_that_fit_a_shard(budget);
    Reference lru{capacity, true};
    Reference fifo{capacity, false};
    entry->second = {hit_ratio(trace, sieve), hit_ratio(trace, [&](std::uint32_t key) { return lru.ask(key); }),
                     hit_ratio(trace, [&](std::uint32_t key) { return fifo.ask(key); })};
    return entry->second;
}

template <Load load, std::size_t percent, double Ratios::*policy>
void one_ratio(benchmark::State& state) {
    for (auto _ : state) report(state, ratios(load, percent).*policy);
}

template <Load load, std::size_t percent, double Ratios::*policy>
void misses_against(benchmark::State& state) {
    for (auto _ : state) {
        const auto& all = ratios(load, percent);
        report(state, (1 - all.sieve) / (1 - all.*policy));
    }
}

template <Load load, std::size_t percent>
benchmark::internal::Benchmark* compare(const std::string& name) {
    measure_once("L1 hit ratio, " + name, {"", {}}, one_ratio<load, percent, &Ratios::sieve>);
    measure_once("  LRU, " + name, {"", {}}, one_ratio<load, percent, &Ratios::lru>);
    measure_once("  FIFO, " + name, {"", {}}, one_ratio<load, percent, &Ratios::fifo>);
    measure_once("  misses of LRU's, " + name, {"", 1}, misses_against<load, percent, &Ratios::lru>);
    return measure_once("  misses of FIFO's, " + name, {"", 1}, misses_against<load, percent, &Ratios::fifo>);
}

/// All entries are there; `threads` ask for them as fast as they go.
double lookups_per_second(std::size_t threads) {
    constexpr std::size_t lookups = 3'000'000;
    static const Trace trace = zipf(1.0, 1'000'000, 2);
    static const auto cache = [] {
        auto filled = std::make_unique<cache::LevelOne>(std::size_t{1} << 30);
        for (const auto& key : keys()) filled->put(key, value_of(200));
        return filled;
    }();
    const auto ask = [&](std::size_t thread) {
        for (std::size_t i = 0; i < lookups; ++i) {
            auto found = cache->find(keys()[trace[(i + thread * 777'777) % trace.size()]]);
            benchmark::DoNotOptimize(found);
        }
    };
    const auto started = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> all;
        all.reserve(threads);
        for (std::size_t i = 0; i < threads; ++i) all.emplace_back(ask, i);
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    return static_cast<double>(threads * lookups) / taken.count();
}

void lookups_of_one(benchmark::State& state) {
    for (auto _ : state) report(state, lookups_per_second(1));
}
void lookups_of_two(benchmark::State& state) {
    for (auto _ : state) report(state, lookups_per_second(2));
}

const std::vector<benchmark::internal::Benchmark*> registered{
    compare<Load::zipf08, 1>("Zipf 0.8, room for 1%"),
    compare<Load::zipf08, 10>("Zipf 0.8, room for 10%"),
    compare<Load::zipf10, 1>("Zipf 1.0, room for 1%"),
    compare<Load::zipf10, 10>("Zipf 1.0, room for 10%"),
    compare<Load::scan, 1>("Zipf 1.0 and a scan, room for 1%"),
    compare<Load::scan, 10>("Zipf 1.0 and a scan, room for 10%"),
    measure_once("L1 look-ups of 100k entries, one thread", {"/s", {}}, lookups_of_one)->Repetitions(5),
    measure_once("  two threads", {"/s", {}}, lookups_of_two)->Repetitions(5),
};

}  // namespace
}  // namespace sluice::bench
