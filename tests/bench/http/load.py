"""The generators of load. Each runs for so many seconds and returns requests, seconds and latencies in milliseconds."""

import json
import os
import re
import subprocess
from pathlib import Path

from processes import fail

HERE = Path(__file__).parent


def wrk(server, path, connections=64, places=None, depth=1):
    """As many requests as 64 connections get answered: each connection sends its next one when the last is answered."""

    def run(seconds):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "load.lua"]
        for name, value in server.headers.items():
            command += ["-H", f"{name}: {value}"]
        environment = {**os.environ, "BENCH_DEPTH": str(depth), **({"BENCH_PLACES": str(places)} if places else {})}
        made = subprocess.run([*command, server.url(path)], capture_output=True, text=True, env=environment,
                              timeout=seconds + 30)
        found = re.search(r"^\{.*\}$", made.stdout, re.MULTILINE)
        if not found:
            fail("wrk failed: " + made.stdout + made.stderr)
        result = json.loads(found[0])
        if result["refused"] or result["broken"]:
            fail(f"not all requests of {server.url(path)} were answered: {result}")
        return result

    return run


def pgbench(server, statement, places):
    """The statement, prepared, from 8 connections, of which each waits for its answer."""

    def run(seconds):
        script = server.folder / "point_read.sql"
        script.write_text(f"\\set id random(1, {places})\n{statement.replace('$1', ':id')};\n")
        made = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "8", "-T", str(seconds), "-f", script,
                               os.environ["SLUICE_PG_PRIMARY"]], capture_output=True, text=True, timeout=seconds + 30)
        count = re.search(r"actually processed: (\d+)", made.stdout)
        if made.returncode or not count:
            fail("pgbench failed: " + made.stdout + made.stderr)
        rate = float(re.search(r"tps = (\S+)", made.stdout)[1])
        return {"requests": int(count[1]), "seconds": int(count[1]) / rate}

    return run
