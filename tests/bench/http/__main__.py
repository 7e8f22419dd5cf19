"""`scripts/bench http` starts this on a private stack: Sluice over HTTP beside the servers that a user would pick.

usage: python3 tests/bench/http PROGRAM OPEN_LOOP FOLDER [--rounds N] [--seconds S] [--filter REGEX] [--json FILE]
"""

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import counters
import footprint
import goals
import latency
import processes
import report
import rounds
import servers
from scenarios import SCENARIOS


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def stack_pid(name):
    return int(subprocess.run(["scripts/stack", "pid", os.environ["SLUICE_STACK_DIR"], name], check=True, capture_output=True,
                              text=True).stdout)


def processor():
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{found[1] if found else 'unknown processor'}, {os.cpu_count()} threads"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("open_loop")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--filter", default="")
    parser.add_argument("--json")
    return parser.parse_args()


def measure(options):
    """Everything whose name matches the filter. Prints the tables, and returns them."""
    setting = servers.Setting(options.program, options.folder)
    servers.prepare(setting)
    behind = rounds.Servers(counters.Redis(os.environ["SLUICE_REDIS"]), stack_pid("redis"), stack_pid("primary"))
    chosen = [one for one in SCENARIOS if re.search(options.filter, one.name)]
    samples = rounds.run(chosen, setting, behind, options.rounds, options.seconds, say)
    figures = {name: rounds.summary(found) for name, found in samples.items()}
    reached = goals.Goals(samples)
    goals.of_scenarios(reached)
    print(f"{processor()}; medians of {options.rounds} rounds, (least-most)")
    if chosen:
        print("\n" + report.of_scenarios({one.name: one.title for one in chosen}, figures))

    rates, footprints = {}, {}
    kinds = [kind for kind in latency.LOADS if re.search(options.filter, "rate-" + kind)]
    if kinds:
        found = latency.run(options.open_loop, setting, kinds, options.rounds, options.seconds, say)
        latency.check(reached, found)
        rates = {name: rounds.summary(one) for name, one in latency.by_name(found).items()}
        print("\n" + report.of_rates(rates))
    if re.search(options.filter, "footprint"):
        found = footprint.run(setting, options.rounds, 1, say)
        footprint.check(reached, found)
        footprints = rounds.summary(found)
        print("\n" + report.of_footprint(footprints))
    if not figures and not rates and not footprints:
        say(f"nothing over HTTP has a name that matches '{options.filter}'")
    if reached.rows:
        print("\n" + report.of_goals(reached.rows))
    return {"processor": processor(), "rounds": options.rounds, "seconds": options.seconds, "scenarios": figures,
            "fixed_rate": rates, "footprint": footprints, "goals": reached.rows}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        options = arguments()
        table = measure(options)
        if options.json:
            Path(options.json).write_text(json.dumps(table, indent=2) + "\n")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        processes.stop_all()


main()
