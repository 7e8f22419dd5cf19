"""Runs the scenarios in turns, round by round, so that what else the machine does meets all of them, and takes the medians."""

import statistics
import time
from collections import defaultdict

import counters
from processes import cpu_seconds, resident_bytes


class Servers:
    """The servers behind, which are accounted for in every scenario."""

    def __init__(self, redis, redis_pid, postgres_pid):
        self.redis, self.pids = redis, {"redis": redis_pid, "postgres": postgres_pid}


def run_once(scenario, setting, behind, seconds):
    queries = counters.postgres_queries()
    with scenario.server(setting) as server:
        if scenario.sample:
            server.expect_sample(scenario.sample)
        load = scenario.load(server)
        pids = {**behind.pids, **server.processes}
        warm_up = load(0.4)["requests"] if server.processes else 0
        while scenario.warm_up and cpu_seconds(pids["server"]) < scenario.warm_up:
            warm_up += load(0.4)["requests"]
        commands = behind.redis.commands()
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        result = load(seconds * scenario.share)
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
        requests = result["requests"]
        sample = {
            "requests_per_second": requests / result["seconds"],
            **{name: result[name] for name in ("p50", "p99", "p999") if name in result},
            **{f"cpu_{name}": 1e6 * used / requests for name, used in spent.items()},
            "redis_commands": (behind.redis.commands() - commands) / requests,
            "resident_mib": sum(resident_bytes(pid) for pid in server.processes.values()) / 2**20,
            "answer_bytes": result.get("bytes", 0) / requests,
        }
    sample["postgres_queries"] = (counters.postgres_queries() - queries) / (requests + warm_up)
    return sample


def run(scenarios, setting, behind, rounds, seconds, say):
    """name -> list of samples, one per round."""
    samples = defaultdict(list)
    for number in range(rounds):
        started = time.monotonic()
        for scenario in scenarios:
            samples[scenario.name].append(run_once(scenario, setting, behind, seconds))
        say(f"round {number + 1} of {rounds}: {time.monotonic() - started:.0f} s")
    return samples


def summary(samples):
    """Of each figure median, least and most."""
    return {name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
            for name in samples[0] for values in [[sample[name] for sample in samples]]}
