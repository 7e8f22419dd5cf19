#include "policy/freshness.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::policy {

using namespace std::chrono_literals;

namespace {

constexpr TimePoint loaded{1h};

// A value that is fresh for as long as its ttl lasts, and a coherence that has just polled; each case changes something.
struct Case {
    std::string name;
    Freshness expected;
    Duration age = 1s;
    Duration poll_age = 100ms;
    bool polled = true;
    bool polls_fail = true;
    bool enabled = true;
    bool tagged = true;
    bool labelled = true;
    Snapshot label = {100, {}};
    Snapshot last_poll = {200, {}};
    HistoryId history = 7;
    std::uint64_t horizon = 0;
    std::vector<std::uint64_t> exact = {};
    std::uint64_t merged = 0;
    Duration learned = 1ms;  // after the load, without a label
    Duration ttl = 60s;
    Duration stale = 1h;
    Duration revalidate = 0s;
    bool purged = false;  // by a message, which has no transaction
};

Freshness judge(const Case& c) {
    const auto now = loaded + c.age;
    const CachedValue value{
        loaded, c.ttl, c.stale, c.revalidate, 5s, c.tagged, c.labelled ? &c.label : nullptr, c.labelled ? c.history : 0};
    Coherence coherence;
    coherence.enabled = c.enabled;
    coherence.horizon = c.horizon;
    coherence.polls_fail = c.polls_fail;
    coherence.history = 7;
    coherence.polled = &c.last_poll;
    if (c.polled) coherence.last_poll_sent = now - c.poll_age;
    TagHistory tag;
    if (c.merged != 0) tag.add(c.merged, loaded + c.learned);
    tag.merge(c.merged);
    for (const auto xid : c.exact) tag.add(xid, loaded + c.learned);
    if (c.purged) tag.add(0, loaded + c.learned);
    const TagHistory* const relevant[] = {&tag};
    return judge_freshness(now, value, coherence, relevant);
}

}  // namespace

TEST(Freshness, FollowsTheTable) {
    const auto fresh = Freshness::fresh;
    const auto stale = Freshness::stale;
    const auto unusable = Freshness::unusable;
    const Case cases[] = {
        {.name = "just loaded", .expected = fresh, .age = 0s},
        {.name = "loaded after now, by another thread's clock reading", .expected = fresh, .age = -1ms},

        // Time to live.
        {.name = "last moment of the ttl", .expected = fresh, .age = 60s - 1ns},
        {.name = "ttl over", .expected = stale, .age = 60s},
        {.name = "last moment of stale", .expected = stale, .age = 60s + 1h - 1ns},
        {.name = "stale over", .expected = unusable, .age = 60s + 1h},
        {.name = "no stale time", .expected = unusable, .age = 60s, .stale = 0s},
        {.name = "endless stale time", .expected = stale, .age = 1000h, .stale = Duration::max()},
        // Served while it is loaded anew.
        {.name = "within revalidate", .expected = Freshness::refresh, .age = 60s, .revalidate = 10s},
        {.name = "last moment of revalidate", .expected = Freshness::refresh, .age = 70s - 1ns, .revalidate = 10s},
        {.name = "revalidate over", .expected = stale, .age = 70s, .revalidate = 10s},
        {.name = "revalidate over, no stale time", .expected = unusable, .age = 70s, .stale = 0s, .revalidate = 10s},
        {.name = "revalidate outlives stale", .expected = Freshness::refresh, .age = 65s, .stale = 1s, .revalidate = 10s},
        {.name = "within revalidate, but outdated", .expected = stale, .age = 65s, .exact = {100}, .revalidate = 10s},
        {.name = "outdated, and past its stale time, within revalidate",
         .expected = unusable,
         .age = 65s,
         .exact = {100},
         .stale = 1s,
         .revalidate = 10s},
        {.name = "within revalidate, polls fail", .expected = stale, .age = 65s, .poll_age = 1s, .revalidate = 10s},
        {.name = "within revalidate, disabled",
         .expected = Freshness::refresh,
         .age = 65s,
         .enabled = false,
         .revalidate = 10s},
        {.name = "ttl of nothing", .expected = stale, .age = 0s, .ttl = 0s},

        // Without the schema: ttl only.
        {.name = "disabled: neither polls nor labels count",
         .expected = fresh,
         .polled = false,
         .enabled = false,
         .labelled = false,
         .horizon = 1000},
        {.name = "disabled: what was heard before its load does not count",
         .expected = fresh,
         .enabled = false,
         .labelled = false,
         .learned = -1ms,
         .purged = true},
        {.name = "disabled: what was heard after its load does",
         .expected = stale,
         .enabled = false,
         .labelled = false,
         .purged = true},
        {.name = "disabled: ttl over", .expected = stale, .age = 60s, .enabled = false},
        {.name = "disabled: stale over", .expected = unusable, .age = 2h, .enabled = false},

        // Untagged values: ttl, and purges by glob.
        {.name = "untagged: polls do not matter",
         .expected = fresh,
         .age = 59s,
         .poll_age = 1h,
         .tagged = false,
         .labelled = false,
         .horizon = 1000},
        {.name = "untagged: never polled", .expected = fresh, .polled = false, .tagged = false, .labelled = false},
        {.name = "untagged: purged after its load",
         .expected = stale,
         .tagged = false,
         .labelled = false,
         .exact = {5},
         .learned = 1ns},
        {.name = "untagged: purged as it was loaded",
         .expected = stale,
         .tagged = false,
         .labelled = false,
         .exact = {5},
         .learned = 0ns},
        {.name = "untagged: purged before its load",
         .expected = fresh,
         .tagged = false,
         .labelled = false,
         .exact = {500},
         .learned = -1ns},

        // The label.
        {.name = "tagged without a label", .expected = stale, .labelled = false},
        {.name = "a label of another history", .expected = stale, .history = 8},
        {.name = "a label of no history", .expected = stale, .history = 0},
        {.name = "invalidation below xmax", .expected = fresh, .exact = {20, 99}},
        {.name = "invalidation at xmax", .expected = stale, .exact = {20, 100}},
        {.name = "merged ones below xmax", .expected = fresh, .merged = 99},
        {.name = "merged ones up to xmax", .expected = stale, .merged = 100},
        {.name = "another one was running", .expected = fresh, .label = {100, {40, 50}}, .exact = {30, 45, 60}},
        {.name = "one that was running", .expected = stale, .label = {100, {40, 50}}, .exact = {30, 50, 60}},
        {.name = "one that was running may be among the merged", .expected = stale, .label = {100, {40}}, .merged = 41},
        {.name = "one that was running is above the merged", .expected = fresh, .label = {100, {40}}, .merged = 39},
        {.name = "one that still runs is not among the merged",
         .expected = fresh,
         .label = {100, {40}},
         .last_poll = {200, {40}},
         .merged = 41},
        {.name = "one that this instance wrote is known before a poll contains it",
         .expected = stale,
         .label = {100, {40}},
         .last_poll = {200, {40}},
         .exact = {40}},
        {.name = "one that began after the last poll", .expected = fresh, .label = {300, {250}}, .merged = 180},
        {.name = "label fails and ttl over", .expected = stale, .age = 61s, .exact = {100}},
        {.name = "label fails and stale over", .expected = unusable, .age = 2h, .exact = {100}},

        // The horizon.
        {.name = "label at the horizon", .expected = fresh, .horizon = 100},
        {.name = "label before the horizon", .expected = stale, .horizon = 101},
        {.name = "one that was running, below the horizon", .expected = stale, .label = {100, {40}}, .horizon = 41},
        {.name = "one that was running, at the horizon", .expected = fresh, .label = {100, {40}}, .horizon = 40},
        {.name = "one that still runs, below the horizon",
         .expected = fresh,
         .label = {100, {40}},
         .last_poll = {200, {40}},
         .horizon = 41},

        // The polls.
        {.name = "polled as long ago as the bound", .expected = fresh, .age = 30s, .poll_age = 500ms},
        {.name = "polled longer ago, old value", .expected = stale, .age = 30s, .poll_age = 500ms + 1ns},
        {.name = "polled longer ago, value within grace", .expected = fresh, .age = 5s, .poll_age = 10s},
        {.name = "polled longer ago, value beyond grace", .expected = stale, .age = 5s + 1ns, .poll_age = 10s},
        {.name = "polled longer ago, but polls do not fail",
         .expected = stale,
         .poll_age = 500ms + 1ns,
         .polls_fail = false},
        {.name = "polled in time, and polls do not fail", .expected = fresh, .poll_age = 500ms, .polls_fail = false},
        {.name = "polled in time, though polls fail since", .expected = fresh, .age = 30s, .poll_age = 500ms},
        {.name = "never polled, value within grace", .expected = fresh, .age = 4s, .polled = false},
        {.name = "never polled, old value", .expected = stale, .age = 6s, .polled = false},
        {.name = "grace does not outlive the ttl", .expected = stale, .age = 2s, .poll_age = 10s, .ttl = 1s},
        {.name = "grace does not excuse the label", .expected = stale, .poll_age = 10s, .exact = {100}},
        {.name = "grace does not excuse the horizon", .expected = stale, .poll_age = 10s, .horizon = 101},
        {.name = "nor the history", .expected = stale, .poll_age = 10s, .history = 8},
    };
    for (const auto& c : cases) EXPECT_EQ(judge(c), c.expected) << c.name;
}

}  // namespace sluice::policy
