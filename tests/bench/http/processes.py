"""Servers as child processes, and what the kernel says of them: processor time and resident memory.

Processor time is utime + stime of a process and of all below it, to the nanosecond (its CPU clock), and so does not count what
other programs take meanwhile. Whatever was started ends with the program, also on Ctrl-C.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
running = []  # in the order in which they were started


def fail(message):
    sys.exit("bench: " + message)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, log, environment=None):
    """In a session of its own: Ctrl-C reaches this program first, which then ends the servers."""
    with open(log, "ab") as output:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, **(environment or {})}, start_new_session=True)
    process.log = log
    running.append(process)
    return process


def stop(process):
    """Asks, waits, insists."""
    if process in running:
        running.remove(process)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stop_all():
    for process in reversed(running.copy()):
        stop(process)


def await_port(process, port, seconds=20):
    """Until something accepts connections there."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", port), 1)):
            return
        if process.poll() is not None or time.monotonic() > until:
            fail(f"{process.args[0]} does not serve: {Path(process.log).read_text(errors='replace')[-2000:]}")
        time.sleep(0.005)


def stat(pid):
    """The fields of /proc/PID/stat from the third on: the second, in parentheses, may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid):
    """The process and all that descend from it."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                children.setdefault(int(stat(entry.name)[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_seconds(pid):
    """Processor time of the process, of those below it, and of its children that have ended."""
    total = sum(int(field) for field in stat(pid)[13:15]) / TICK
    for one in family(pid):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += time.clock_gettime((~one << 3) | 2)  # the clock that clock_getcpuclockid(3) names
    return total


def resident_bytes(pid):
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
    return total
