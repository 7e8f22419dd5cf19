"""The loads that are measured side by side, in the order in which each round runs them."""

from dataclasses import dataclass
from typing import Callable

from load import pgbench, wrk
from servers import PLACES, SAMPLE, STATEMENT, Fastify, HAProxy, Nginx, NginxLua, Pgbench, Sluice


@dataclass
class Scenario:
    name: str
    title: str
    server: Callable  # setting -> Server
    load: Callable  # server -> (seconds -> what the generator measured)
    sample: str = f"/places/{SAMPLE}"  # has to answer the bytes that Sluice answers; empty: is not asked
    warm_up: float = 0  # CPU seconds of the server, at least 0.4 s: Node.js compiles what it runs often while it runs
    share: float = 1  # of a measurement's time, where less is enough


def hit(path="/places", **more):
    return lambda server: wrk(server, f"{path}/{SAMPLE}", **more)


def read(server):
    return wrk(server, "/uncached/", places=PLACES)


def read_collapsed(server):
    return wrk(server, "/collapsed/", places=PLACES)


def logging(setting):
    return Sluice(setting, access="all")


def two_loops(setting):
    return Sluice(setting, loops=2)


SCENARIOS = [
    Scenario("nginx", "nginx, return 200", Nginx, hit("/return"), f"/return/{SAMPLE}", share=0.5),
    Scenario("nginx-fields", "  the same with Sluice's header fields", Nginx, hit("/fields"), f"/fields/{SAMPLE}", share=0.5),
    Scenario("sluice", "Sluice, key + limit + cache hit", Sluice, hit()),
    Scenario("sluice-log", "  the same, access log of all", logging, hit()),
    Scenario("sluice-deep", "  the same, 16 requests at once", Sluice, hit(depth=16), share=0.5),
    Scenario("sluice-2", "  the same, two loops", two_loops, hit()),
    Scenario("sluice-2-deep", "  the same, two loops, 16 at once", two_loops, hit(depth=16), share=0.5),
    Scenario("nginx-lua", "nginx + Lua, key + limit + cache hit", NginxLua, hit()),
    Scenario("haproxy", "HAProxy, key + own limit + cache hit", HAProxy, hit("/fields"), f"/fields/{SAMPLE}", share=0.5),
    Scenario("fastify", "Fastify, key + limit + cache hit", Fastify, hit(), warm_up=1.2, share=0.5),
    Scenario("fastify-uncached", "Fastify, uncached read", Fastify, read, f"/uncached/{SAMPLE}", warm_up=2, share=0.5),
    Scenario("sluice-uncached", "Sluice, uncached read", Sluice, read, f"/uncached/{SAMPLE}"),
    Scenario("sluice-collapsed", "  the same, collapse: true", Sluice, read_collapsed, f"/collapsed/{SAMPLE}"),
    Scenario("pgbench", "pgbench -M prepared -c 8", Pgbench, lambda server: pgbench(server, STATEMENT, PLACES), ""),
]
