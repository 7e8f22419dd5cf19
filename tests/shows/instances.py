"""Two running instances and what is asked of them: shared by the shows."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROUTE = "/v1/cities/2988507"


class Instance:
    """`sluice serve` on free ports; ends with the block."""

    def __init__(self, program, config, log):
        environment = {**os.environ, "SLUICE_LISTEN": "127.0.0.1:0", "SLUICE_ADMIN": "127.0.0.1:0"}
        self.output = open(log, "w+")
        self.process = subprocess.Popen([program, "serve", "--config", config], stdout=self.output, env=environment)
        until = time.monotonic() + 20
        self.port = None
        while self.port is None:
            for line in Path(log).read_text().splitlines():
                entry = json.loads(line)
                if entry["event"] == "serving":
                    self.port, self.admin_port = entry["port"], entry["admin_port"]
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit("the instance does not serve: " + Path(log).read_text())
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.output.close()

    def url(self):
        return f"http://127.0.0.1:{self.port}{ROUTE}"

    def counters(self, tier):
        """The decisions of a tier, by their name."""
        text = get(self.admin_port, "/metrics")[1]
        pattern = r'sluice_ratelimit_decisions_total\{decision="(\w+)",tier="' + tier + r'"\} (\S+)'
        return {name: int(float(value)) for name, value in re.findall(pattern, text)}


def get(port, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def create_key(program, config, tier):
    made = subprocess.run([program, "keys", "create", "--config", config, "--json", "--tier", tier, "--name", "show"],
                          check=True, capture_output=True, text=True)
    return json.loads(made.stdout)


def config_with(folder, more):
    """The example's configuration and more, beside it, since its paths are relative."""
    world = Path("config/world.yaml").resolve()
    text = world.read_text().replace("world/routes", str(world.parent / "world/routes"))
    path = Path(folder) / "show.yaml"
    path.write_text(text + "\nlog: { level: info, access: off }\n" + more)
    return str(path)


def wrk(url, seconds, headers, connections=16, more=()):
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *more]
    for name, value in headers.items():
        arguments += ["-H", f"{name}: {value}"]
    return subprocess.Popen([*arguments, url], stdout=subprocess.PIPE, text=True)
