"""What `scripts/show` measures of the cache: how soon a change made in psql shows, and what it costs the writer."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from instances import Instance, config_with, create_key, get, wrk

CITY = 2988507
ROUTE = f"/v1/cities/{CITY}"


class Psql:
    """One session, so that a statement's time is not that of connecting."""

    def __init__(self):
        self.process = subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", os.environ["SLUICE_PG_PRIMARY"]],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def run(self, sql):
        """Runs it and waits until it is committed."""
        self.process.stdin.write(sql + ";\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit("psql failed: " + sql)
            if line == "done\n":
                return lines
            lines.append(line.rstrip("\n"))

    def seconds(self, sql, times):
        """The median time of the statement."""
        taken = []
        for _ in range(times):
            started = time.monotonic()
            self.run(sql)
            taken.append(time.monotonic() - started)
        return statistics.median(taken)


def tables(program, folder):
    config = config_with(folder, "")
    psql = Psql()
    with Instance(program, config, folder + "/a.log") as a, Instance(program, config, folder + "/b.log") as b:
        headers = {"X-API-Key": create_key(program, config, "enterprise")["key"]}
        delays = []
        for number in range(200):
            for instance in (a, b):  # both hold a copy
                get(instance.port, ROUTE, headers)
            psql.run(f"update city set population = {number} where id = {CITY}")
            committed = time.monotonic()
            for instance in (a, b):
                while json.loads(get(instance.port, ROUTE, headers)[1])["data"]["population"] != number:
                    pass
            delays.append(time.monotonic() - committed)
    print(f"an UPDATE in psql is seen through both instances' caches after {statistics.median(delays) * 1000:.0f} ms,"
          f" the slowest of {len(delays)} after {max(delays) * 1000:.0f} ms")

    one = f"update city set population = population where id = {CITY}"
    many = "update city set population = population where id in (select id from city order by id limit 10000)"
    with_triggers = psql.seconds(one, 300), psql.seconds(many, 7)
    subprocess.run([program, "migrate", "--config", config, "--remove"], check=True, capture_output=True)
    without = psql.seconds(one, 300), psql.seconds(many, 7)
    for name, tracked, plain in zip(("one row", "10,000 rows"), with_triggers, without):
        print(f"UPDATE of {name}: {plain * 1000:.2f} ms without triggers, {tracked * 1000:.2f} ms with them")
    return max(delays) <= 0.5


READS = """
server: {{ limits: {{ body: 64KiB }} }}
log: {{ level: info, access: off }}
postgres: {{ primary: "{url}", pool: 16 }}   # half of them read
tiers: {{ anonymous: {{ requests: 1000000000, window: 60s }} }}
routes:
  GET /accounts/{{aid}}:
    params: {{ aid: {{ type: integer }} }}
    result: one
    sql: select abalance from pgbench_accounts where aid = :aid
"""
RANDOM_ACCOUNT = 'request = function() return wrk.format("GET", "/accounts/" .. math.random(1, 100000)) end\n'


def reads(program, folder):
    """The same statement, through the server without a cache and by pgbench, in turns."""
    url = os.environ["SLUICE_PG_PRIMARY"]
    subprocess.run(["pgbench", "-i", "-q", url], check=True, capture_output=True)
    config, script = folder + "/reads.yaml", folder + "/account.lua"
    Path(config).write_text(READS.format(url=url))
    Path(script).write_text(RANDOM_ACCOUNT)
    ours, floor = [], []
    with Instance(program, config, folder + "/reads.log") as instance:
        for _ in range(3):
            load = wrk(f"http://127.0.0.1:{instance.port}/", 5, {}, 8, ("-s", script))
            text = load.communicate()[0]
            if "Non-2xx" in text:
                sys.exit("not all requests were answered: " + text)
            ours.append(float(re.search(r"Requests/sec: +(\S+)", text)[1]))
            made = subprocess.run(["pgbench", "-n", "-S", "-M", "prepared", "-c", "8", "-T", "5", url], check=True,
                                  capture_output=True, text=True)
            floor.append(float(re.search(r"tps = (\S+)", made.stdout)[1]))
    own, pgbench = statistics.median(ours), statistics.median(floor)
    print(f"uncached point reads, 8 connections: {own:.0f}/s ({min(ours):.0f} to {max(ours):.0f});"
          f" pgbench -S -M prepared -c 8: {pgbench:.0f}/s ({min(floor):.0f} to {max(floor):.0f}): {own / pgbench:.2f} of it")
    return True


if __name__ == "__main__":
    show, program, folder = sys.argv[1:]
    sys.exit(0 if {"tables": tables, "reads": reads}[show](program, folder) else 1)
