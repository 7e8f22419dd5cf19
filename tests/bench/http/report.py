"""The tables that are printed."""


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(figure):
    return f"{number(figure['median'])} ({number(figure['min'])}-{number(figure['max'])})"


def text_of(rows, columns):
    """Left-aligned first column, the others to the right; wide enough for what they hold."""
    lines = [columns] + rows
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) if at == 0 else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def of_scenarios(titles, figures):
    """CPU is per request, in microseconds; latencies are in milliseconds."""
    yardstick = figures.get("nginx", {}).get("cpu_server", {}).get("median")
    rows = []
    for name, found in figures.items():
        def cell(key, shown=number):
            return shown(found[key]["median"]) if key in found else "-"

        own = found.get("cpu_server")
        rows.append([
            titles[name], spread(found["requests_per_second"]), cell("p50"), cell("p99"), cell("p999"),
            spread(own) if own else "-", f"{own['median'] / yardstick:.2f}" if own and yardstick else "-",
            cell("cpu_redis"), cell("cpu_postgres"), cell("redis_commands", "{:.3f}".format),
            cell("postgres_queries", "{:.2f}".format), cell("resident_mib") if own else "-",
            cell("answer_bytes", "{:.0f}".format)])
    return text_of(rows, ["64 connections", "requests/s", "P50 ms", "P99", "P99.9", "CPU us", "x nginx", "Redis us", "PG us",
                          "Redis calls", "PG queries", "MiB", "bytes"])


def of_rates(figures):
    rows = [[name.replace("-", ", ") + " %"] + [spread(found[key]) for key in ("rate", "p50", "p99", "p999", "late_p99")]
            for name, found in figures.items()]
    return text_of(rows, ["at a share of capacity", "requests/s", "P50 ms", "P99 ms", "P99.9 ms", "generator late, P99 ms"])


FOOTPRINT = {
    "first_answer_ms": "start to the first answer, 200 routes, ms",
    "first_answer_cpu_ms": "  of which on a processor, ms",
    "idle_mib": "resident after it, MiB",
    "idle_connection_kib": "resident per idle connection, KiB",
    "cpu_64_us": "CPU us per request, 64 connections",
    "cpu_64_beside_idle_us": "  beside 10000 idle ones",
    "cpu_10000_us": "  10000 connections, all in use",
    "nginx_cpu_10000_us": "  the same of nginx with Sluice's header fields",
}


def of_footprint(figures):
    return text_of([[FOOTPRINT[name], spread(found)] for name, found in figures.items()], ["one instance", "figure"])


def of_goals(rows):
    lines = []
    for row in rows:
        bound = f"<= {row['at_most']:g}" if row["at_most"] is not None else f">= {row['at_least']:g}"
        lines.append([row["goal"], f"{number(row['figure'])} {row['unit']}", bound, "met" if row["met"] else "MISSED"])
    return text_of(lines, ["goal", "figure", "bound", ""])
