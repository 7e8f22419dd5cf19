"""The generators of load. Each runs for so many seconds and returns requests, seconds and, if it knows them, latencies in
milliseconds."""

import json
import math
import os
import re
import signal
import subprocess
from pathlib import Path

from processes import fail

HERE = Path(__file__).parent


def interrupted_after(seconds, process):
    """wrk runs for whole seconds, or until it is interrupted, and then tells all the same."""
    if seconds == int(seconds):
        return process.communicate(timeout=seconds + 30)[0]
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=30)[0]


def wrk(server, path, connections=64, places=None, depth=1):
    """As many requests as 64 connections get answered: each connection sends its next one when the last is answered."""

    def run(seconds):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{math.ceil(seconds)}s", "--timeout", "20s", "-s", HERE / "load.lua"]
        for name, value in server.headers.items():
            command += ["-H", f"{name}: {value}"]
        environment = {**os.environ, "BENCH_DEPTH": str(depth), **({"BENCH_PLACES": str(places)} if places else {})}
        made = subprocess.Popen([*command, server.url(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=environment)
        try:
            text = interrupted_after(seconds, made)
        finally:
            made.kill()
        found = re.search(r"^\{.*\}$", text, re.MULTILINE)
        if not found:
            fail("wrk failed: " + text)
        result = json.loads(found[0])
        if result["refused"] or result["broken"]:
            fail(f"not all requests of {server.url(path)} were answered: {result}")
        if depth > 1:
            for name in ("p50", "p99", "p999"):  # wrk has only the time of all requests sent at once, and "corrects" it
                del result[name]
        return result

    return run


def pgbench(server, statement, places):
    """The statement, prepared, from 8 connections, of which each waits for its answer."""

    def run(seconds):
        script = server.folder / "point_read.sql"
        script.write_text(f"\\set id random(1, {places})\n{statement.replace('$1', ':id')};\n")
        made = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "8", "-T", str(math.ceil(seconds)), "-f", script,
                               os.environ["SLUICE_PG_PRIMARY"]], capture_output=True, text=True, timeout=seconds + 30)
        count = re.search(r"actually processed: (\d+)", made.stdout)
        if made.returncode or not count:
            fail("pgbench failed: " + made.stdout + made.stderr)
        rate = float(re.search(r"tps = (\S+)", made.stdout)[1])
        return {"requests": int(count[1]), "seconds": int(count[1]) / rate}

    return run


def open_loop(program, server, path, rate, connections=64, places=0):
    """So many requests per second, whether answers come or not. Latency counts from when a request was due."""

    def run(seconds):
        fields = [f"{name}: {value}" for name, value in server.headers.items()]
        made = subprocess.run([program, *map(str, (server.port, round(rate), seconds, connections, path, places)), *fields],
                              capture_output=True, text=True, timeout=seconds + 30)
        if made.returncode:
            fail(f"at {rate:.0f} requests/s: {made.stderr}")
        return json.loads(made.stdout)

    return run
