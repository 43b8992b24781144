#!/usr/bin/env python3
"""./dev run: the router beside a plain round-robin proxy, each before its own fleet of simulated model
servers, under the same requests of a real conversation trace.

Everything it starts ends with it, also on Ctrl-C.
"""

import argparse
import contextlib
import ctypes
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
POINTSMAN = ROOT / "build" / "release" / "pointsman"
TRACE = ROOT / "examples" / "mooncake" / "conversation_600.jsonl"
LOGS = ROOT / "build" / "log"
SERVERS = 8
SPEED = 5  # model seconds per second
WARM_UP, COUNTED = 240, 240


class Failed(Exception):
    """Something did not start or ended early; the message says what."""


def die_with_parent():
    """In the child, before exec: no simulated server outlives a killed demo."""
    set_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


class Ports:
    """The usual port numbers, or the same ones some thousands higher when any of them is taken."""

    def __init__(self):
        for shift in range(0, 50_000, 1000):
            self.router, self.admin, self.proxy = 8080 + shift, 9090 + shift, 8200 + shift
            self.fleet = [8101 + shift + i for i in range(SERVERS)]
            self.other_fleet = [8201 + shift + i for i in range(SERVERS)]
            if all(map(is_free, [self.router, self.admin, self.proxy, *self.fleet, *self.other_fleet])):
                return
        raise Failed("no free ports")


class Process:
    """A pointsman command in the background, with its output in a log file."""

    def __init__(self, name: str, *arguments: object):
        self.name = name
        self.log = LOGS / f"run-{name}.log"
        with self.log.open("w") as log:
            self.child = subprocess.Popen([POINTSMAN, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, preexec_fn=die_with_parent)

    def wait_until(self, ready, what: str, limit: float = 20):
        end = time.monotonic() + limit
        while not ready():
            if self.child.poll() is not None or time.monotonic() > end:
                tail = "".join(self.log.read_text().splitlines(keepends=True)[-5:])
                raise Failed(f"{what}. The end of {self.log.relative_to(ROOT)}:\n{tail}")
            time.sleep(0.05)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def start_all(ports: Ports, stack: contextlib.ExitStack) -> list[Process]:
    def start(name, *arguments):
        process = Process(name, *arguments)
        stack.callback(process.stop)
        return process

    scale = ("--time-scale", SPEED)
    fleet = start("servers", "sim", "--count", SERVERS, "--port", ports.fleet[0], *scale)
    other = start("round-robin", "sim", "--count", SERVERS, "--port", ports.other_fleet[0], "--proxy-port", ports.proxy,
                  *scale)
    fleet.wait_until(lambda: answers(f"http://127.0.0.1:{ports.fleet[-1]}/health"), "the model servers did not start")
    other.wait_until(lambda: answers(f"http://127.0.0.1:{ports.proxy}/health"), "the round-robin proxy did not start")
    endpoints = [word for port in ports.fleet for word in ("--endpoint", f"http://127.0.0.1:{port}")]
    router = start("router", "serve", "--port", ports.router, "--metrics-port", ports.admin, *endpoints)
    router.wait_until(lambda: answers(f"http://127.0.0.1:{ports.admin}/readyz"), "the router did not become ready")
    return [fleet, other, router]


def compare(ports: Ports):
    command = [POINTSMAN, "load", f"--trace={TRACE}", f"--warm-up={WARM_UP}", f"--requests={COUNTED}",
               f"--time-scale={SPEED}", f"--target=pointsman=http://127.0.0.1:{ports.router}",
               f"--target=round robin=http://127.0.0.1:{ports.proxy}"]
    child = subprocess.Popen(command, preexec_fn=die_with_parent)
    try:
        if child.wait() != 0:
            raise Failed("the replay failed")
    finally:
        child.kill()
        child.wait()


def explain_last(ports: Ports):
    admin = f"http://127.0.0.1:{ports.admin}"
    print(f"\nWhy the last request went where it did (pointsman why --last --admin {admin}):\n", flush=True)
    subprocess.run([POINTSMAN, "why", "--last", "--admin", admin], check=False)


def things_to_try(ports: Ports) -> str:
    chat = (f"curl http://127.0.0.1:{ports.router}/v1/chat/completions -H 'content-type: application/json' \\\n"
            """    -d '{"model": "sim-model", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20%s}'""")
    return f"""
Still running; Ctrl-C ends it. To try:

  {chat % ""} -i
  {chat % ', "stream": true'} -N
  {POINTSMAN.relative_to(ROOT)} why --last --admin http://127.0.0.1:{ports.admin}
  curl http://127.0.0.1:{ports.admin}/endpoints
  curl 'http://127.0.0.1:{ports.admin}/decisions?limit=5'
  curl http://127.0.0.1:{ports.admin}/metrics

A server that dies, and its return (any server takes orders for all):
  curl http://127.0.0.1:{ports.fleet[1]}/sim/faults -d '{{"fault": "dead", "server": 0}}'
  curl http://127.0.0.1:{ports.fleet[1]}/sim/faults -d '{{"fault": "clear", "server": 0}}'
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__.split("\n\n", maxsplit=1)[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stay", action="store_true", help="leave everything running and print what to try")
    options = parser.parse_args()
    if not POINTSMAN.exists():
        raise Failed(f"{POINTSMAN} is missing: ./dev build")
    LOGS.mkdir(parents=True, exist_ok=True)

    with contextlib.ExitStack() as stack:
        ports = Ports()
        print(f"""\
Two fleets of {SERVERS} simulated model servers, each server a 70B-class model, {SPEED} times as fast as real time.
Before one stands pointsman serve (built-in configuration), before the other a plain round-robin proxy.
Both get the same requests of a real conversation trace at its pace: {WARM_UP} to warm up, {COUNTED} that count.
This takes about {(155 + 25) // SPEED} s; times below are the model's seconds. Logs: {LOGS.relative_to(ROOT)}/run-*.log
""", flush=True)
        start_all(ports, stack)
        compare(ports)
        explain_last(ports)
        if options.stay:
            print(things_to_try(ports), flush=True)
            signal.pause()
    return 0


def interrupted(_signal, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"dev run: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
