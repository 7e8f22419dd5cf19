"""Latency at a fixed rate: half of what Sluice can answer, and four fifths. What it can is measured just before, as on a busy
machine it differs from minute to minute. nginx is asked at the rates of Sluice's cached answers right after: what it cannot
do better is the machine's."""

import statistics

from load import open_loop, wrk
from servers import PLACES, SAMPLE, Nginx, Sluice

LOADS = {"cached": (f"/places/{SAMPLE}", None), "uncached": ("/uncached/", PLACES)}
SHARES = {50: 0.5, 80: 1}  # per cent of the capacity -> of a measurement's time
P99_GOALS = {"cached": 3, "uncached": 15}  # ms, at 80 %


PEER = "nginx, as cached"


def run(program, setting, kinds, rounds, seconds, say):
    """(kind, share) -> samples."""
    measured = [*kinds, *([PEER] if "cached" in kinds else [])]
    samples = {(kind, share): [] for kind in measured for share in SHARES}
    for number in range(rounds):
        for kind in kinds:
            path, places = LOADS[kind]
            with Sluice(setting) as server:
                load = wrk(server, path, places=places)
                found = load(1)
                capacity = found["requests"] / found["seconds"]
                at_shares(program, server, path, places, capacity, seconds, kind, samples)
            if kind == "cached":
                with Nginx(setting) as peer:
                    at_shares(program, peer, f"/fields/{SAMPLE}", None, capacity, seconds, PEER, samples)
        say(f"at a fixed rate, round {number + 1} of {rounds}")
    return samples


def at_shares(program, server, path, places, capacity, seconds, kind, samples):
    for share, time in SHARES.items():
        rate = capacity * share / 100
        load = open_loop(program, server, path, rate, places=places or 0)
        samples[kind, share].append({**load(max(1, round(seconds * time))), "rate": rate})


def by_name(samples):
    return {f"{kind}-{share}": found for (kind, share), found in samples.items()}


def check(goals, samples):
    for (kind, share), found in samples.items():
        if share == 80 and kind in P99_GOALS:
            goals.check(f"{kind}, P99 at 80 % of capacity", statistics.median(one["p99"] for one in found), "ms",
                        at_most=P99_GOALS[kind])
