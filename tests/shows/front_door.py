"""What `scripts/show` measures of limits, revocation and a paused Redis, on two instances of the example API."""

import os
import re
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from instances import ROUTE, Instance, config_with, create_key, get, wrk


def limits(program, folder):
    limit, window, seconds = 1000, 10.0, 30
    config = config_with(folder, f"tiers: {{ show: {{ requests: {limit}, window: 10s }} }}\n")
    with Instance(program, config, folder + "/a.log") as a, Instance(program, config, folder + "/b.log") as b:
        headers = {"X-API-Key": create_key(program, config, "show")["key"]}
        load = [wrk(instance.url(), seconds, headers) for instance in (a, b)]
        samples = []  # before, after, admitted by both
        while any(one.poll() is None for one in load):
            before = time.monotonic()
            admitted = sum(instance.counters("show").get("admitted", 0) for instance in (a, b))
            samples.append((before, time.monotonic(), admitted))
            time.sleep(0.01)
        for one in load:
            rates = [line.strip() for line in one.communicate()[0].splitlines() if "Requests/sec" in line]
            print("wrk:", *rates)
    # Between two samples that lie within a window, no more than the limit may have been admitted.
    most, first = 0, 0
    for last in range(len(samples)):
        while samples[last][1] - samples[first][0] > window:
            first += 1
        most = max(most, samples[last][2] - samples[first][2])
    # A saturated window admits in bursts: the mean is taken from the end of the first to the end of the last.
    full = next(sample for sample in samples if sample[2] >= limit)
    last = next(sample for sample in samples if sample[2] == samples[-1][2])
    mean = (last[2] - full[2]) / (last[0] - full[0]) * window
    print(f"admitted: {most} at most in any 10 s, {mean:.0f} per 10 s on average"
          f" ({mean / limit:.1%} of the limit); {len(samples)} samples")
    return most <= limit and mean >= 0.95 * limit


def revoke(program, folder):
    config = config_with(folder, "")
    token = os.environ["SLUICE_ADMIN_TOKEN"]
    with Instance(program, config, folder + "/a.log") as a, Instance(program, config, folder + "/b.log") as b:
        worst = 0.0
        for _ in range(20):
            key = create_key(program, config, "pro")
            headers = {"X-API-Key": key["key"]}
            for instance in (a, b):
                assert get(instance.port, ROUTE, headers)[0] == 200
            path = "/admin/keys/" + key["id"]
            status, body = get(a.admin_port, path, {"Authorization": "Bearer " + token}, "DELETE")
            assert status == 200, body
            answered = time.monotonic()
            for name, instance in (("there", a), ("elsewhere", b)):
                # Refused credentials count against the address: a new one for each attempt that is not the first.
                attempt = 0
                while get(instance.port, ROUTE, {**headers, "X-Forwarded-For": f"192.0.2.{attempt % 250}"})[0] != 401:
                    attempt += 1
                worst = max(worst, time.monotonic() - answered)
        print(f"revoked: refused by both instances {worst * 1000:.0f} ms after the answer, the slowest of 20")
    return worst <= 1.0


def pause(program, folder):
    limit = 200_000
    config = config_with(folder, f"tiers: {{ show: {{ requests: {limit}, window: 10s }} }}\n")
    script = Path(folder) / "statuses.lua"
    script.write_text("""
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) statuses = {} end
function response(status) statuses[status] = (statuses[status] or 0) + 1 end
function done(summary, latency)
  print(string.format("slowest %.1f ms, p99 %.1f ms", latency.max / 1000, latency:percentile(99) / 1000))
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do print(status .. ": " .. count) end
  end
end
""")
    with Instance(program, config, folder + "/a.log") as a, Instance(program, config, folder + "/b.log") as b:
        headers = {"X-API-Key": create_key(program, config, "show")["key"]}
        for instance in (a, b):
            assert get(instance.port, ROUTE, headers)[0] == 200
        load = [wrk(instance.url(), 8, headers, 8, ("-s", str(script))) for instance in (a, b)]
        time.sleep(2)
        redis = urllib.parse.urlsplit(os.environ["SLUICE_REDIS"])
        paused = subprocess.run(["redis-cli", "-h", redis.hostname, "-p", str(redis.port), "client", "pause", "3000"],
                                check=True, capture_output=True, text=True,
                                env={**os.environ, "REDISCLI_AUTH": urllib.parse.unquote(redis.password or "")})
        assert paused.stdout.strip() == "OK", paused.stdout + paused.stderr
        slowest = 0.0
        for name, one in zip("ab", load):
            printed = [line.strip() for line in one.communicate()[0].splitlines()]
            told = [line for line in printed if re.match(r"slowest|\d{3}: ", line)]
            slowest = max(slowest, float(re.search(r"slowest (\S+) ms", " ".join(told))[1]))
            print(f"instance {name}:", "; ".join(told))
        decisions = [instance.counters("show") for instance in (a, b)]
        for name, counted in zip("ab", decisions):
            print(f"instance {name}: {counted}")
        admitted = sum(counted["admitted"] for counted in decisions)
        print(f"the slowest request of all took {slowest:.1f} ms; its deadline is 15 s, Redis' is 50 ms")
        print(f"admitted within 8 s: {admitted}; the limit is {limit} in 10 s, and twice that is the bound across the pause")
    kept = admitted <= 2 * limit
    return kept and slowest < 15_000 and all(one["unavailable"] > 0 and one["local"] > 0 for one in decisions)


def keys(program, folder):
    config = config_with(folder, "")
    psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", os.environ["SLUICE_PG_PRIMARY"], "-c"]
    subprocess.run([*psql, "insert into sluice.api_keys (id, name, tier) select lpad(to_hex(i), 24, '0'), 'show ' || i % 1000,"
                           " 'pro' from generate_series(1, 10000000) i"], check=True)
    subprocess.run([*psql, "analyze sluice.api_keys"], check=True)

    def start():
        started = time.monotonic()
        with Instance(program, config, folder + "/a.log") as instance:
            assert get(instance.port, "/v1/regions")[0] == 200
            taken = time.monotonic() - started
            status = Path(f"/proc/{instance.process.pid}/status").read_text()
            return taken, int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    few = min(start() for _ in range(3))
    print(f"10,000,000 keys on record: the first answer {few[0] * 1000:.0f} ms after the start, {few[1]:.0f} MiB resident")
    subprocess.run([*psql, "update sluice.api_keys set revoked_at = now() where id in"
                           " (select lpad(to_hex(i * 10), 24, '0') from generate_series(1, 1000000) i)"], check=True)
    many = min(start() for _ in range(3))
    print(f"1,000,000 of them revoked: {many[0] * 1000:.0f} ms, {many[1]:.0f} MiB resident: {many[1] - few[1]:.0f} MiB more")
    return few[0] <= 1.0 and many[1] - few[1] <= 48


if __name__ == "__main__":
    show, program, folder = sys.argv[1:]
    sys.exit(0 if {"limits": limits, "revoke": revoke, "pause": pause, "keys": keys}[show](program, folder) else 1)
