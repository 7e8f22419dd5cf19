"""`scripts/bench http` starts this on a private stack: Sluice over HTTP beside the servers that a user would pick.

usage: python3 tests/bench/http PROGRAM FOLDER [--rounds N] [--seconds S] [--filter REGEX] [--json FILE]
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
import goals
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
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--filter", default="")
    parser.add_argument("--json")
    return parser.parse_args()


def measure(options):
    setting = servers.Setting(options.program, options.folder)
    servers.prepare(setting)
    behind = rounds.Servers(counters.Redis(os.environ["SLUICE_REDIS"]), stack_pid("redis"), stack_pid("primary"))
    chosen = [one for one in SCENARIOS if re.search(options.filter, one.name)]
    samples = rounds.run(chosen, setting, behind, options.rounds, options.seconds, say)
    figures = {name: rounds.summary(found) for name, found in samples.items()}
    reached = goals.Goals(samples)
    goals.of_scenarios(reached)

    print(f"{processor()}; medians of {options.rounds} rounds of {options.seconds:g} s, (least-most)\n")
    print(report.of_scenarios({one.name: one.title for one in chosen}, figures))
    if reached.rows:
        print("\n" + report.of_goals(reached.rows))
    if options.json:
        table = {"processor": processor(), "rounds": options.rounds, "seconds": options.seconds, "scenarios": figures,
                 "goals": reached.rows}
        Path(options.json).write_text(json.dumps(table, indent=2) + "\n")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        measure(arguments())
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        processes.stop_all()


main()
