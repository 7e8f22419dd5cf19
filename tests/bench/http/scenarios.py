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
    warm_up: float = 0.4  # seconds
    workers: int = 1


def hit(path="/places", **more):
    return lambda server: wrk(server, f"{path}/{SAMPLE}", **more)


def read(server):
    return wrk(server, "/uncached/", places=PLACES)


SCENARIOS = [
    Scenario("nginx", "nginx, return 200", Nginx, hit("/return"), f"/return/{SAMPLE}"),
    Scenario("nginx-fields", "  the same with Sluice's header fields", Nginx, hit("/fields"), f"/fields/{SAMPLE}"),
    Scenario("sluice", "Sluice, key + limit + cache hit", Sluice, hit()),
    Scenario("sluice-log", "  the same, access log of all", lambda setting: Sluice(setting, access="all"), hit()),
    Scenario("sluice-deep", "  the same, 16 requests at once", Sluice, hit(depth=16)),
    Scenario("sluice-2", "  the same, two loops", lambda setting: Sluice(setting, loops=2), hit(), workers=2),
    Scenario("sluice-2-deep", "  the same, two loops, 16 at once", lambda setting: Sluice(setting, loops=2), hit(depth=16), workers=2),
    Scenario("nginx-lua", "nginx + Lua, key + limit + cache hit", NginxLua, hit()),
    Scenario("haproxy", "HAProxy, key + own limit + cache hit", HAProxy, hit("/fields"), f"/fields/{SAMPLE}"),
    Scenario("fastify", "Fastify, key + limit + cache hit", Fastify, hit(), warm_up=1.5),
    Scenario("fastify-uncached", "Fastify, uncached read", Fastify, read, f"/uncached/{SAMPLE}", warm_up=1.5),
    Scenario("sluice-uncached", "Sluice, uncached read", Sluice, read, f"/uncached/{SAMPLE}"),
    Scenario("pgbench", "pgbench -M prepared -c 8", Pgbench, lambda server: pgbench(server, STATEMENT, PLACES), ""),
]
