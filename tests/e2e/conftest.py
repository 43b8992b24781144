"""Fixtures: a test names what it needs, gets it running, and it is gone after the test.

When a test fails, the end of each process's output is printed with it.
"""

import contextlib
import pathlib
import resource
from dataclasses import dataclass

import pytest

from harness.collector import Collector
from harness.envoy import Envoy
from harness.ext_proc import Transaction
from harness.model_server import ModelServer, Seen
from harness.openai import Client
from harness.pointsman import Epp, Serve
from harness.process import Process
from harness.toy_picker import ToyPicker

LOGS = pytest.StashKey[pathlib.Path]()  # where a test's processes write to


def pytest_configure():
    # Thousands of streams at once: client, fake servers and their children share one limit.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and LOGS in item.stash:
        for log in sorted(item.stash[LOGS].glob("*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-6000:]))
    return report


@pytest.fixture
def cleanup():
    """Callables run after the test, last one first, each whatever the others do."""
    with contextlib.ExitStack() as stack:
        yield stack.callback


@pytest.fixture
def spawn(request, tmp_path: pathlib.Path, cleanup):
    """spawn(command, name='x', env=..., before_exec=...) -> Process; its output is in x.log."""
    request.node.stash[LOGS] = tmp_path

    def start(command, name="process", **options) -> Process:
        process = Process(command, tmp_path / f"{name}.log", **options)
        cleanup(process.stop)
        return process

    return start


@pytest.fixture
def model_servers(cleanup):
    """model_servers(n) -> n running ModelServer."""

    def start(count: int) -> list[ModelServer]:
        servers = [ModelServer() for _ in range(count)]
        for server in servers:
            cleanup(server.stop)
        return servers

    return start


@pytest.fixture
def pods(cleanup):
    """pods([(waiting, kv, adapters), ...]) -> model servers with that load, each at its own loopback address."""

    def start(loads) -> list[ModelServer]:
        servers = []
        for number, (waiting, kv, *adapters) in enumerate(loads):
            server = ModelServer(host=f"127.0.0.{number + 1}")
            cleanup(server.stop)
            server.behave.load = {"running": 0, "waiting": waiting, "kv": kv}
            server.behave.adapters = ",".join(adapters)
            servers.append(server)
        return servers

    return start


@pytest.fixture
def collector(cleanup) -> Collector:
    collector = Collector()
    cleanup(collector.stop)
    return collector


@pytest.fixture
def envoy(tmp_path, cleanup):
    """envoy(picker_port, tls=False) -> running Envoy; .port is where clients talk to."""

    def start(picker_port: int, **options) -> Envoy:
        running = Envoy(tmp_path, picker_port, **options)
        cleanup(running.process.stop)
        return running

    return start


@pytest.fixture
def toy_picker(cleanup):
    def start(destination: str) -> ToyPicker:
        picker = ToyPicker(destination)
        cleanup(picker.stop)
        return picker

    return start


@pytest.fixture
def client(cleanup):
    def connect(port: int, **options) -> Client:
        connected = Client(port, **options)
        cleanup(connected.close)
        return connected

    return connect


@pytest.fixture
def epp(spawn, tmp_path):
    """epp(servers, args=..., config=..., tls=...) -> running `pointsman epp`."""

    def start(servers, **options) -> Epp:
        return Epp(spawn, tmp_path, servers, **options)

    return start


@pytest.fixture
def serve(spawn):
    """serve(servers, args=...) -> running `pointsman serve`."""

    def start(servers=(), **options) -> Serve:
        return Serve(spawn, servers, **options)

    return start


@dataclass
class Routed:
    """Model servers behind `pointsman serve`, and a client of it. `server` is the first of them."""

    servers: list[ModelServer]
    router: Serve
    client: Client

    @property
    def server(self) -> ModelServer:
        return self.servers[0]

    @property
    def port(self) -> int:
        return self.router.port

    def seen(self) -> list[Seen]:
        """All that has reached a server."""
        return [request for server in self.servers for request in server.seen]


@pytest.fixture
def routed(model_servers, serve, client):
    """routed(n, args=...) -> Routed, with n model servers."""

    def start(count=2, **options) -> Routed:
        servers = model_servers(count)
        router = serve(servers, **options)
        return Routed(servers, router, client(router.port))

    return start


@pytest.fixture
def transaction(cleanup):
    """transaction(port) -> one ext_proc stream, the test playing the proxy."""

    def open_stream(port: int) -> Transaction:
        stream = Transaction(port)
        cleanup(stream.close)
        return stream

    return open_stream
