"""A child process with its output in a file, and free ports for it."""

import itertools
import os
import pathlib
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping

from .wait import until

BUILD = pathlib.Path(os.environ.get("POINTSMAN_BUILD", "build/release")).resolve()
POINTSMAN = BUILD / "pointsman"


# Below those that Linux gives to connections (from 32768 on): none of them takes a port between its choice and its use.
PORTS = range(10_000, 32_000)
turns = itertools.count(random.randrange(len(PORTS)))


def free_port() -> int:
    """A TCP port nobody listens on; another one each time."""
    while True:
        port = PORTS[next(turns) % len(PORTS)]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    while True:
        first = free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    """Started at construction, stopped by stop(). Standard output and error go to one file."""

    def __init__(self, command: list[str], log: pathlib.Path, env: Mapping[str, str] | None = None,
                 before_exec: Callable[[], None] | None = None):
        self.command = [str(word) for word in command]
        self.log_file = log
        with log.open("wb") as out:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                          env={**os.environ, **(env or {})}, preexec_fn=before_exec)

    @property
    def pid(self) -> int:
        return self.child.pid

    def output(self) -> str:
        return self.log_file.read_text(errors="replace")

    def running(self) -> bool:
        return self.child.poll() is None

    def wait_ready(self, check: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
        """Waits until `check` holds; fails at once, with the output, when the process ends first."""

        def ready() -> bool:
            if not self.running():
                raise AssertionError(f"{self.command[:3]} ended with {self.child.returncode} before: {what}\n"
                                     f"{self.output()[-4000:]}")
            return check()

        until(ready, what, timeout)

    def wait_end(self, timeout: float = 10.0) -> int:
        """The exit code."""
        return self.child.wait(timeout)

    def stop(self, grace: float = 10.0) -> int:
        """SIGTERM, then SIGKILL after `grace` seconds. Returns the exit code (negative: the signal)."""
        if self.running():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(grace)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait(10)
