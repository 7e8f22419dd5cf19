"""What is measured: Sluice in several configurations and its peers, one worker each unless the name says otherwise.

A server is a context: `with nginx(setting): …` starts it in a folder of its own and ends it.
"""

import http.client
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import counters
import processes
from processes import await_port, fail, free_port

PEERS = Path(__file__).parent.parent / "peers"
PLACES = 32086  # as many rows as the example has cities
STATEMENT = """select id, name, country, population, admin_code, feature_code, latitude, longitude
from bench_place where id = $1"""
SAMPLE = 31999  # the place that cached routes answer

# The same rows as the example's cities, under numbers without gaps, so that every generator can pick one at random.
CREATE_TABLE = """create table bench_place as
  select row_number() over (order by id)::integer as id, name, country, population, admin_code, feature_code, latitude, longitude
  from city;
alter table bench_place add primary key (id);
analyze bench_place;"""

SLUICE = """
server: {{ listen: "127.0.0.1:{port}", admin: "127.0.0.1:{admin}", threads: {loops} }}
log: {{ level: info, access: {access} }}
postgres: {{ primary: "${{SLUICE_PG_PRIMARY}}", pool: 16 }}   # of which 8 read
redis: {{ url: "${{SLUICE_REDIS}}" }}
auth: {{ key_secrets: [ "${{SLUICE_KEY_SECRET}}" ] }}
tiers: {{ enterprise: {{ requests: 1000000000, window: 60s }} }}
routes:
  GET /uncached/{{id}}: &read
    params: {{ id: {{ type: integer, minimum: 1, maximum: 2147483647 }} }}
    result: one
    sql: {statement}
  GET /collapsed/{{id}}:
    <<: *read
    collapse: true
"""
CACHED_ROUTE = """
  GET {path}/{{id}}:
    <<: *read
    cache: {{ ttl: 300s, tags: ["place:{{id}}"] }}
"""


class Setting:
    """What all servers of a run share."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        self.key = self.body = None
        self.count = 0

    def fresh_folder(self, name):
        self.count += 1
        made = self.folder / f"{self.count}-{name}"
        made.mkdir()
        return made


class Server:
    name = "server"

    def __init__(self, setting):
        self.setting = setting
        self.headers = {"X-API-Key": setting.key} if setting.key else {}
        self.processes = {}  # what to account for, by its name in the table
        self.started = []

    def __enter__(self):
        self.folder = self.setting.fresh_folder(self.name)
        self.port = free_port()
        try:
            self.launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            processes.stop(process)
        shutil.rmtree(self.folder)

    def start(self, *command, port=None, environment=None, wait=True):
        process = processes.start(command, self.folder / "log", environment)
        self.started.append(process)
        if wait:
            await_port(process, port or self.port)
        return process

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request("GET", path, headers=self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def expect_sample(self, path):
        """Every server has to answer the same bytes as Sluice."""
        answer = self.get(path)
        if answer != (200, self.setting.body):
            fail(f"{self.name} answers {answer} instead of {self.setting.body}")

    def filled_in(self, source, **values):
        """A configuration of peers/ with its @NAME@s filled in."""
        text = (PEERS / source).read_text()
        for name, value in values.items():
            text = text.replace(f"@{name.upper()}@", str(value))
        made = self.folder / source
        made.write_text(text)
        return made


class Sluice(Server):
    name = "sluice"

    def __init__(self, setting, access="errors", loops=1, cached_routes=1, wait=True):
        super().__init__(setting)
        self.wait = wait  # until it serves
        self.access, self.loops, self.cached_routes = access, loops, cached_routes

    def write_config(self):
        self.admin_port = free_port()
        text = SLUICE.format(port=self.port, admin=self.admin_port, loops=self.loops, access=self.access,
                             statement=json.dumps(STATEMENT.replace("$1", ":id")))
        paths = ["/places"] + [f"/more{number}" for number in range(1, self.cached_routes)]
        text += "".join(CACHED_ROUTE.format(path=path) for path in paths)
        self.config = self.folder / "sluice.yaml"
        self.config.write_text(text)

    def launch(self):
        self.write_config()
        self.started_at = time.monotonic()
        self.process = self.start(self.setting.program, "serve", "--config", self.config, wait=self.wait)
        self.processes = {"server": self.process.pid}

    def requests(self):
        """Answered so far, as the server counts them."""
        text = self.get("/metrics", port=self.admin_port)[1]
        return sum(float(value) for value in re.findall(r"^sluice_http_requests_total\{.*\} (\S+)$", text, re.MULTILINE))

    def create_key(self):
        made = subprocess.run([self.setting.program, "keys", "create", "--config", self.config, "--json", "--tier", "enterprise",
                               "--name", "bench"], check=True, capture_output=True, text=True)
        return json.loads(made.stdout)["key"]


class Nginx(Server):
    """`return 200`: what an answer of these bytes costs at least, without or with header fields like Sluice's."""
    name = "nginx"

    def launch(self):
        config = self.filled_in("nginx.conf", port=self.port, folder=self.folder, body=self.setting.body)
        self.process = self.start("/usr/sbin/nginx", "-p", self.folder, "-e", self.folder / "log", "-c", config)
        self.processes = {"server": self.process.pid}

    def requests(self):
        return int(self.get("/status")[1].splitlines()[2].split()[2])


class NginxLua(Server):
    name = "nginx-lua"

    def launch(self):
        redis = urlsplit(os.environ["SLUICE_REDIS"])
        config = self.filled_in("nginx_lua.conf", port=self.port, folder=self.folder, peers=PEERS, body=self.setting.body,
                                key=self.setting.key, sample=SAMPLE, redis_port=redis.port, redis_password=redis.password)
        self.process = self.start("/usr/sbin/nginx", "-p", self.folder, "-e", self.folder / "log", "-c", config)
        self.processes = {"server": self.process.pid}


class HAProxy(Server):
    name = "haproxy"

    def launch(self):
        origin_port = free_port()
        origin = self.filled_in("nginx.conf", port=origin_port, folder=self.folder, body=self.setting.body)
        self.start("/usr/sbin/nginx", "-p", self.folder, "-e", self.folder / "log", "-c", origin, port=origin_port)
        config = self.filled_in("haproxy.cfg", port=self.port, key=self.setting.key, origin_port=origin_port)
        self.process = self.start("/usr/sbin/haproxy", "-f", config)
        self.processes = {"server": self.process.pid}


class Fastify(Server):
    name = "fastify"

    def launch(self):
        environment = {"PORT": str(self.port), "API_KEY": self.setting.key, "REDIS_URL": os.environ["SLUICE_REDIS"],
                       "POSTGRES_URL": os.environ["SLUICE_PG_PRIMARY"], "STATEMENT": STATEMENT,
                       "SCRIPT": str(PEERS / "sliding_window.lua"), "NODE_ENV": "production"}
        self.process = self.start("node", PEERS / "fastify/server.mjs", environment=environment)
        self.processes = {"server": self.process.pid}


class Pgbench(Server):
    """No server of its own: PostgreSQL, asked directly."""
    name = "pgbench"

    def launch(self):
        pass


def prepare(setting):
    """The table, the key and the bytes of an answer that everybody shares."""
    counters.sql(CREATE_TABLE)
    with Sluice(setting) as sluice:
        setting.key = sluice.headers["X-API-Key"] = sluice.create_key()
        status, setting.body = sluice.get(f"/places/{SAMPLE}")
        if status != 200:
            fail(f"Sluice answers {status}: {setting.body}")
