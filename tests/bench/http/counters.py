"""How many commands Redis and how many queries PostgreSQL have been sent, as those servers count them."""

import os
import re
import socket
import subprocess
import time
from urllib.parse import urlsplit

from processes import fail

# What the scripts of the limiters call inside Redis is not sent by a client.
SENT = {"eval", "evalsha", "fcall", "get", "getex", "mget", "set", "setex", "del", "unlink", "publish", "hello", "auth", "ping"}


class Redis:
    def __init__(self, url):
        self.url = urlsplit(url)
        self.socket = socket.create_connection((self.url.hostname, self.url.port))
        self.file = self.socket.makefile("rb")
        self.call("AUTH", self.url.password)

    def call(self, *words):
        parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        self.socket.sendall("".join(parts).encode())
        line = self.file.readline().decode().rstrip()
        if line.startswith("-"):
            raise RuntimeError("Redis: " + line)
        if not line.startswith("$"):
            return line[1:]
        return self.file.read(int(line[1:]) + 2)[:-2].decode()

    def commands(self):
        """Sent by clients since it started."""
        calls = re.findall(r"cmdstat_([^:|]+):calls=(\d+)", self.call("INFO", "commandstats"))
        return sum(int(count) for name, count in calls if name.lower() in SENT)


def postgres_queries():
    """Transactions ended, which are queries as all of these are single statements. A session tells of its last ones when it
    ends, so this waits until all have."""
    until = time.monotonic() + 5
    while sql("select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()") != "0":
        if time.monotonic() > until:
            fail("somebody else uses the private PostgreSQL")
        time.sleep(0.02)
    return int(sql("select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"))


def sql(statement, variable="SLUICE_PG_PRIMARY"):
    made = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", os.environ[variable], "-c", statement],
                          check=True, capture_output=True, text=True)
    return made.stdout.strip()
