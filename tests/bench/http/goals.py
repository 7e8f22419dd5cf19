"""What Sluice is to reach, as figures made of the scenarios' samples. Ratios are taken within a round and then their median,
so that a slow minute of the machine meets both sides."""

import statistics


class Goals:
    def __init__(self, samples):
        self.samples, self.rows = samples, []

    def check(self, text, figure, unit, at_most=None, at_least=None):
        met = figure <= at_most if at_most is not None else figure >= at_least
        self.rows.append({"goal": text, "figure": figure, "unit": unit, "at_most": at_most, "at_least": at_least, "met": met})

    def paired(self, text, unit, names, figure, **bound):
        """The median over the rounds of what `figure` makes of each round's samples; nothing where one was not measured."""
        if all(name in self.samples for name in names):
            rounds = zip(*(self.samples[name] for name in names))
            self.check(text, statistics.median(figure(*one) for one in rounds), unit, **bound)


def of_scenarios(goals):
    goals.paired("cache hit, CPU beside nginx return 200", "x", ("sluice", "nginx"),
                 lambda own, peer: own["cpu_server"] / peer["cpu_server"], at_most=1.15)
    goals.paired("cache hit, CPU beside nginx, same header fields", "x", ("sluice", "nginx-fields"),
                 lambda own, peer: own["cpu_server"] / peer["cpu_server"], at_most=1.15)
    goals.paired("cache hit, CPU of Redis", "us", ("sluice",), lambda own: own["cpu_redis"], at_most=0.3)
    goals.paired("cache hit, requests/s beside nginx + Lua + Redis", "x", ("sluice", "nginx-lua"),
                 lambda own, peer: own["requests_per_second"] / peer["requests_per_second"], at_least=4)
    goals.paired("access log of all, more CPU", "us", ("sluice-log", "sluice"),
                 lambda log, own: log["cpu_server"] - own["cpu_server"], at_most=1)
    goals.paired("uncached read, reads/s beside pgbench", "x", ("sluice-uncached", "pgbench"),
                 lambda own, floor: own["requests_per_second"] / floor["requests_per_second"], at_least=1.2)
    goals.paired("  the same, collapsed", "x", ("sluice-collapsed", "pgbench"),
                 lambda own, floor: own["requests_per_second"] / floor["requests_per_second"], at_least=1.2)
    goals.paired("uncached read, CPU with PostgreSQL's", "us", ("sluice-uncached",),
                 lambda own: own["cpu_server"] + own["cpu_postgres"], at_most=38)
    goals.paired("pipelined 16 deep, two loops, requests/s", "/s", ("sluice-2-deep",),
                 lambda own: own["requests_per_second"], at_least=100_000)
    goals.paired("two loops, capacity beside one loop's, by CPU", "x", ("sluice-2", "sluice"),
                 lambda two, one: 2 * one["cpu_server"] / two["cpu_server"], at_least=1.9)
