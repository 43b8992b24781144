"""The binary under test: each command as a running process with its ports."""

import json
import pathlib
import urllib.error
import urllib.request

import grpc
import yaml

from .process import POINTSMAN, Process, accepts, free_port
from .wait import until

POOL_GAUGES_AT_ONCE = "--refresh-prometheus-metrics-interval=50ms"  # for tests of the pool's gauges: 5 s otherwise
EXT_PROC = "envoy.service.ext_proc.v3.ExternalProcessor"

# The scorers of the built-in default, in a configuration of its own so that discovery can be added to it.
DEFAULT_PLUGINS = [{"type": "queue-scorer"}, {"type": "kv-cache-utilization-scorer"}, {"type": "prefix-cache-scorer"}]
DEFAULT_PROFILES = [{"name": "default", "plugins": [
    {"pluginRef": "queue-scorer", "weight": 2},
    {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
    {"pluginRef": "prefix-cache-scorer", "weight": 3},
]}]


def write_endpoints(path: pathlib.Path, servers, labels=None, names=None) -> None:
    """An endpoints file (the reference's format) naming server i `s<i>`. Replaced whole, as an operator's tool would."""
    entries = [{"name": names[i] if names else f"s{i}", "address": server.address.split(":")[0], "port": server.address.split(":")[1],
                **({"labels": labels[i]} if labels else {})} for i, server in enumerate(servers)]
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump({"endpoints": entries}))
    fresh.replace(path)


def write_config(path: pathlib.Path, endpoints: pathlib.Path | None = None, plugins=None, profiles=None,
                 **sections) -> pathlib.Path:
    config = {"apiVersion": "llm-d.ai/v1alpha1", "kind": "EndpointPickerConfig",
              "plugins": list(DEFAULT_PLUGINS if plugins is None else plugins),
              "schedulingProfiles": DEFAULT_PROFILES if profiles is None else profiles, **sections}
    if endpoints:
        config["plugins"].append({"type": "file-discovery", "name": "endpoints",
                                  "parameters": {"path": str(endpoints), "watchFile": True}})
        config.setdefault("dataLayer", {})["discovery"] = {"pluginRef": "endpoints"}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


class Admin:
    """The admin port of a running router."""

    def __init__(self, port: int):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path: str):
        status, text = self.get(path)
        assert status == 200, f"{path}: {status} {text[:500]}"
        return json.loads(text)

    def ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def metric(self, name: str, **labels) -> float:
        """The sum of one family's samples that carry these labels; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.split("{")[0] == name and all(f'{k}="{v}"' in sample for k, v in labels.items()):
                total += float(value)
        return total

    def wait_load(self, count: int) -> None:
        """Until so many endpoints have told their load."""
        until(lambda: sum(bool(e["signals"]) for e in self.json("/endpoints")["endpoints"]) >= count,
              f"the load of {count} endpoints is known")

    def wait_scraped(self, servers) -> None:
        """Until each fake server was scraped after now, so that its load counts."""
        before = [server.scrapes for server in servers]
        until(lambda: all(s.scrapes >= b + 2 for s, b in zip(servers, before)), "every server scraped twice")


class Router:
    """What `serve` and `epp` have in common."""

    process: Process
    admin: Admin

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.process.output()


class Epp(Router):
    """`pointsman epp` in file-discovery mode, ready to pick among `servers`."""

    def __init__(self, spawn, directory: pathlib.Path, servers, args=(), env=None, tls=False, config=None,
                 labels=None, before_exec=None, binary=None, wait=True):
        self.endpoints = directory / "endpoints.yaml"
        write_endpoints(self.endpoints, servers, labels)
        config = write_config(directory / "epp.yaml", self.endpoints, **(config or {}))
        self.port, self.health_port, admin_port = free_port(), free_port(), free_port()
        self.admin = Admin(admin_port)
        command = [binary] if binary else [POINTSMAN, "epp"]
        self.process = spawn(
            [*command, "--pool-name", "pool", "--config-file", config, f"--grpc-port={self.port}",
             f"--grpc-health-port={self.health_port}", f"--metrics-port={admin_port}",
             f"--secure-serving={'true' if tls else 'false'}", "--metrics-endpoint-auth=false",
             "--drain-timeout=0s", *args],
            name="epp", env={"OTEL_TRACES_EXPORTER": "none", **(env or {})}, before_exec=before_exec)
        if wait:
            self.process.wait_ready(self.serving, "gRPC health says SERVING")
            if servers:
                self.admin.wait_scraped(servers)

    def serving(self) -> bool:
        return accepts(self.health_port) and self.health() == "SERVING"

    def health(self, service: str = EXT_PROC, port: int | None = None) -> str:
        """The answer of grpc.health.v1.Health/Check, by name."""
        with grpc.insecure_channel(f"127.0.0.1:{port or self.health_port}") as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            request = bytes([0x0A, len(service)]) + service.encode() if service else b""
            try:
                answer = check(request, timeout=5)
            except grpc.RpcError as error:
                return error.code().name
        status = answer[1] if len(answer) == 2 and answer[0] == 0x08 else 0
        return ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"][status]


class Serve(Router):
    """`pointsman serve` before `servers`."""

    def __init__(self, spawn, servers=(), args=(), env=None, name="serve", wait=True):
        self.port, admin_port = free_port(), free_port()
        self.admin = Admin(admin_port)
        endpoints = [word for server in servers for word in ("--endpoint", server.url)]
        self.process = spawn(
            [POINTSMAN, "serve", "--host=127.0.0.1", f"--port={self.port}", f"--metrics-port={admin_port}",
             "--drain-timeout=0s", *endpoints, *args], name=name, env=env)
        if wait:
            self.process.wait_ready(lambda: self.admin.ready() and accepts(self.port), "serve is ready")
            if servers:
                self.admin.wait_scraped(servers)
