"""What Sluice takes without load, and what many connections cost: memory, the time to start, and CPU per request."""

import contextlib
import socket
import statistics
import threading
import time

from load import wrk
from processes import cpu_seconds, fail, resident_bytes
from servers import SAMPLE, Nginx, Sluice

ROUTES = 200
CONNECTIONS = 10_000
PATH = f"/places/{SAMPLE}"


def of_start(setting):
    """From the start of the process to its first answer, and what it then holds."""
    with Sluice(setting, cached_routes=ROUTES - 1, wait=False) as server:
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                status, body = server.get(PATH)
                if status != 200:
                    fail(f"the first answer is {status}: {body}")
                break
            if time.monotonic() > until:
                fail("Sluice does not start")
            time.sleep(0.001)
        return {"first_answer_ms": (time.monotonic() - server.started_at) * 1e3,
                "first_answer_cpu_ms": cpu_seconds(server.process.pid) * 1e3,
                "idle_mib": resident_bytes(server.process.pid) / 2**20}


def open_connections(server):
    """Each has had one answer and is kept open."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in server.headers.items())
    request = f"GET {PATH} HTTP/1.1\r\nHost: bench\r\n{fields}\r\n".encode()
    opened = []
    for _ in range(CONNECTIONS):
        opened.append(socket.create_connection(("127.0.0.1", server.port)))
        opened[-1].sendall(request)
        if not opened[-1].recv(4096).startswith(b"HTTP/1.1 200"):
            fail("one of many connections was not served")
    return opened


def cpu_per_request(server, path, seconds, connections, ramp=0.3):
    """While the load runs, so that accepting the connections does not count. Requests are as many as the server counts."""
    load = threading.Thread(target=wrk(server, path, connections=connections), args=(ramp + seconds + 0.3,))
    load.start()
    time.sleep(ramp)
    requests, spent = server.requests(), cpu_seconds(server.process.pid)
    time.sleep(seconds)
    requests, spent = server.requests() - requests, cpu_seconds(server.process.pid) - spent
    load.join()
    return 1e6 * spent / requests


def of_connections(setting, seconds):
    found = {}
    with Sluice(setting) as server:
        pid = server.process.pid
        found["cpu_64_us"] = cpu_per_request(server, PATH, seconds, 64)
        before = resident_bytes(pid)
        opened = open_connections(server)
        found["idle_connection_kib"] = (resident_bytes(pid) - before) / CONNECTIONS / 1024
        found["cpu_64_beside_idle_us"] = cpu_per_request(server, PATH, seconds, 64)
        for connection in opened:
            connection.close()
    with Sluice(setting) as server:
        found["cpu_10000_us"] = cpu_per_request(server, PATH, seconds, CONNECTIONS, ramp=1)
    with Nginx(setting) as peer:
        found["nginx_cpu_10000_us"] = cpu_per_request(peer, "/fields/", seconds, CONNECTIONS, ramp=1)
    return found


def run(setting, rounds, seconds, say):
    samples = []
    for number in range(rounds):
        samples.append({**of_start(setting), **of_connections(setting, seconds)})
        say(f"start and connections, round {number + 1} of {rounds}")
    return samples


def check(goals, samples):
    def median(figure):
        return statistics.median(figure(sample) for sample in samples)

    goals.check(f"start to the first answer, {ROUTES} routes", median(lambda one: one["first_answer_ms"]), "ms", at_most=150)
    goals.check(f"resident after it, {ROUTES} routes", median(lambda one: one["idle_mib"]), "MiB", at_most=40)
    goals.check(f"resident per idle connection, {CONNECTIONS} of them", median(lambda one: one["idle_connection_kib"]), "KiB",
                at_most=8)
    goals.check("CPU per request, 10000 idle connections beside",
                median(lambda one: one["cpu_64_beside_idle_us"] / one["cpu_64_us"]), "x", at_most=1.2)
    goals.check("CPU per request, 10000 connections, all in use", median(lambda one: one["cpu_10000_us"] / one["cpu_64_us"]), "x",
                at_most=1.2)
