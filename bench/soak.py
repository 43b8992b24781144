"""Steady load for a long time while everything around the routers fails: `pointsman serve`, and `pointsman epp` behind
Envoy, before the same simulated model servers.

    ./dev soak [--minutes 20] [--rate 30]

Servers die and come back, are slow, are taken out of the endpoints file and put back; some clients go away in the
middle of their answer, some read slowly. At the end it checks that
- no request failed but those that were open while a server died (behind Envoy: or until the picker knew of it),
- every decision has an outcome and nothing is counted as running,
- memory and open files did not grow: the slope over the last 60 % of a run of five minutes or more.
It prints a table, and ends with 0 when all of that holds.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "e2e")]

import load  # noqa: E402
from harness.envoy import Envoy  # noqa: E402
from harness.pointsman import Epp, Serve, write_endpoints  # noqa: E402
from harness.process import POINTSMAN, Process, accepts, free_ports  # noqa: E402
from harness.wait import until  # noqa: E402

SERVERS = 6
MODEL = "sim-model"
DEAD_S, SLOW_S, GONE_S = 2.0, 6.0, 3.0
CALM_S = 5.0  # between two blows
PROMPTS = 200  # different ones, so that prefix indexes are full soon
STALE_S = 3.0  # how long the picker may take a dead server for a live one, and Envoy a connection to it
RSS_LIMIT_KIB_PER_MIN = 60  # slope of resident memory; a leak of 100 bytes per request is 350 at 60 requests/s
# What grows at first does not count: buffers, rings and tables fill up. A shorter run judges no memory.
WARM_UP, WARM_UP_MIN = 0.4, 2.0  # share of the run, and at least so many minutes


@dataclass
class Server:
    name: str
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass
class Tally:
    planned: int = 0
    complete: int = 0
    aborted: int = 0  # by the client, on purpose
    excused: int = 0  # failed while a server was dead
    failures: list[str] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)


@dataclass
class Watch:
    """One process: its memory and open files over time."""

    pid: int
    samples: list[tuple[float, float, int]] = field(default_factory=list)  # minutes, KiB, files

    def look(self, minutes: float) -> None:
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines())
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        self.samples.append((minutes, float(status["VmRSS"].split()[0]), files))

    def slope(self) -> float:
        """KiB per minute after the warm-up, by least squares."""
        late = self.samples[int(len(self.samples) * WARM_UP):]
        if len(late) < 3:
            return 0.0
        mean_x, mean_y = (sum(s[i] for s in late) / len(late) for i in (0, 1))
        spread = sum((x - mean_x) ** 2 for x, _, _ in late)
        return sum((x - mean_x) * (y - mean_y) for x, y, _ in late) / spread if spread else 0.0


class Chaos:
    """What happens to the servers. `deaths` are the moments between which one was dead."""

    def __init__(self, servers: list[Server], control: int, files: list[pathlib.Path]):
        self.servers, self.control, self.files = servers, control, files
        self.deaths: list[list[float]] = []
        self.counts = {"deaths": 0, "slow": 0, "removals": 0}
        self.random = random.Random(7)

    def fault(self, at: int, fault: str, **more) -> None:
        order = json.dumps({"fault": fault, "server": at, **more}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/sim/faults", order, timeout=5):
            pass

    def listed(self, servers: list[Server]) -> None:
        for path in self.files:
            write_endpoints(path, servers, names=[server.name for server in servers])

    async def run(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        blows = [self.die, self.slow, self.remove]
        at = 0
        while time.monotonic() + CALM_S + SLOW_S < end:
            await asyncio.sleep(CALM_S)
            await blows[at % len(blows)](loop)
            at += 1

    async def die(self, loop) -> None:
        at = self.random.randrange(SERVERS)
        death = [time.monotonic(), float("inf")]
        self.deaths.append(death)
        await loop.run_in_executor(None, lambda: self.fault(at, "dead"))
        await asyncio.sleep(DEAD_S)
        await loop.run_in_executor(None, lambda: self.fault(at, "clear"))
        death[1] = time.monotonic()
        self.counts["deaths"] += 1

    async def slow(self, loop) -> None:
        at = self.random.randrange(SERVERS)
        await loop.run_in_executor(None, lambda: self.fault(at, "slow", factor=5, seconds=SLOW_S))
        await asyncio.sleep(SLOW_S)
        self.counts["slow"] += 1

    async def remove(self, loop) -> None:
        left = self.random.sample(self.servers, SERVERS - 2)
        await loop.run_in_executor(None, lambda: self.listed(left))
        await asyncio.sleep(GONE_S)
        await loop.run_in_executor(None, lambda: self.listed(self.servers))
        self.counts["removals"] += 1

    def excuses(self, began: float, ended: float, margin: float) -> bool:
        return any(began < death[1] + margin and ended > death[0] for death in self.deaths)


class Connection(load.Connection):
    """As in load runs, and can be told to read slowly."""

    async def dawdle(self) -> None:
        for _ in range(5):
            self.transport.pause_reading()
            await asyncio.sleep(0.1)
            if self.transport.is_closing():
                return
            self.transport.resume_reading()
            await asyncio.sleep(0.02)


async def one_request(number: int, port: int, tally: Tally, chaos: Chaos, margin: float, idle: list) -> None:
    dice = random.Random(number)
    stream = dice.random() < 0.7
    tokens = dice.choice([1, 10, 40, 100])
    topic = number % PROMPTS
    text = load.TEXT[10 * topic:][:(50, 400, 4000)[topic % 3]]
    body = json.dumps({"model": MODEL, "stream": stream, "max_tokens": tokens,
                       "messages": [{"role": "user", "content": f"{topic} {text}"}]}).encode()
    head = (f"POST /v1/chat/completions HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode()
    leaves = dice.random() < 0.1
    began = time.monotonic()
    try:
        connection = idle.pop() if idle else None
        if connection is None or connection.transport.is_closing():
            _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        answer = connection.begin(head + body)
        slow = asyncio.ensure_future(connection.dawdle()) if dice.random() < 0.1 else None
        if leaves:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(answer), dice.random() * 0.4)
            if not answer.done():
                connection.transport.abort()
                tally.aborted += 1
                return
        error = await asyncio.wait_for(answer, 60)
        if slow:
            await slow
    except (OSError, asyncio.TimeoutError) as failure:
        error = repr(failure)
    ended = time.monotonic()
    if error is None:
        tally.complete += 1
        tally.first_token.append(connection.first or 0.0)
        idle.append(connection)
    elif chaos.excuses(began, ended, margin):
        tally.excused += 1
    else:
        tally.failures.append(f"request {number}, {began - chaos.began:.1f}..{ended - chaos.began:.1f} s: {error}")


async def clients(port: int, rate: float, end: float, tally: Tally, chaos: Chaos, margin: float) -> None:
    idle: list[Connection] = []
    tasks, start = set(), time.monotonic()
    while time.monotonic() < end:
        await asyncio.sleep(max(0.0, start + tally.planned / rate - time.monotonic()))
        task = asyncio.ensure_future(one_request(tally.planned, port, tally, chaos, margin, idle))
        tally.planned += 1
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.transport.close()


async def watch(watches: dict[str, Watch], end: float, step: float) -> None:
    began = time.monotonic()
    while time.monotonic() < end:
        for each in watches.values():
            each.look((time.monotonic() - began) / 60)
        await asyncio.sleep(step)


def outcomes(router) -> list[str]:
    """What is wrong with the books of a router that has nothing to do."""
    wrong = []
    kinds = {kind: router.admin.metric("pointsman_record_frames_total", kind=kind) for kind in ("decision", "outcome")}
    if kinds["decision"] == 0 or kinds["decision"] != kinds["outcome"]:
        wrong.append(f"{kinds['decision']:.0f} decisions, {kinds['outcome']:.0f} outcomes")
    for name in ("llm_d_epp_request_running", "inference_objective_running_requests", "llm_d_epp_inflight_requests",
                 "llm_d_epp_inflight_tokens"):
        if router.admin.metric(name) != 0:
            wrong.append(f"{name} is {router.admin.metric(name):.0f} with no request open")
    for name in ("pointsman_record_dropped_total", "pointsman_log_lines_dropped_total"):
        if router.admin.metric(name) != 0:
            wrong.append(f"{name} is {router.admin.metric(name):.0f}")
    return wrong


async def soak(directory: pathlib.Path, minutes: float, rate: float, running: list[Process]) -> list[str]:
    def spawn(command, name="process", **options):
        running.append(Process(command, directory / f"{name}.log", **options))
        return running[-1]

    first = free_ports(SERVERS + 1)  # the last one takes orders and is never routed to
    spawn([POINTSMAN, "sim", f"--count={SERVERS + 1}", f"--port={first}", "--pace=5ms"], name="sim")
    servers = [Server(f"s{i}", first + i) for i in range(SERVERS)]
    until(lambda: accepts(first + SERVERS), "the simulated servers listen")

    write_endpoints(directory / "serve.yaml", servers)
    serve = Serve(spawn, (), args=[f"--endpoints-file={directory / 'serve.yaml'}", f"--record={directory / 'serve'}"],
                  wait=False)
    epp = Epp(spawn, directory, servers, args=["--tracing=false", f"--record={directory / 'epp'}"], wait=False)
    envoy = Envoy(directory, epp.port, concurrency=1)
    running.append(envoy.process)
    serve.process.wait_ready(serve.admin.ready, "serve is ready")
    epp.process.wait_ready(epp.serving, "gRPC health says SERVING")
    for router in (serve, epp):
        router.admin.wait_load(SERVERS)

    chaos = Chaos(servers, first + SERVERS, [directory / "serve.yaml", epp.endpoints])
    chaos.began = time.monotonic()
    end = chaos.began + 60 * minutes
    tallies = {"serve": Tally(), "epp": Tally()}
    watches = {"serve": Watch(serve.pid), "epp": Watch(epp.pid)}
    await asyncio.gather(
        chaos.run(end), watch(watches, end, max(1.0, minutes * 0.6)),
        clients(serve.port, rate, end, tallies["serve"], chaos, 0.5),
        clients(envoy.port, rate, end, tallies["epp"], chaos, STALE_S))
    return judge({"serve": serve, "epp": epp}, tallies, watches, chaos)


def judge(routers, tallies, watches, chaos) -> list[str]:
    wrong = []
    print(f"{'router':<7} {'requests':>9} {'complete':>9} {'aborted':>8} {'excused':>8} {'failed':>7} {'TTFT p50':>9} "
          f"{'p99 ms':>7} {'RSS MiB':>8} {'KiB/min':>8} {'files':>6}")
    for name, router in routers.items():
        tally, seen = tallies[name], watches[name]
        with contextlib.suppress(AssertionError):  # what is still wrong then is told below
            until(lambda: not outcomes(router), "the books are closed", timeout=20)
        seen.look(seen.samples[-1][0])
        ordered = sorted(tally.first_token) or [float("nan")]
        p50, p99 = (1e3 * ordered[int(q * (len(ordered) - 1))] for q in (0.5, 0.99))
        print(f"{name:<7} {tally.planned:>9} {tally.complete:>9} {tally.aborted:>8} {tally.excused:>8} "
              f"{len(tally.failures):>7} {p50:>9.1f} {p99:>7.1f} {seen.samples[-1][1] / 1024:>8.1f} "
              f"{seen.slope():>8.1f} {seen.samples[-1][2]:>6}")
        wrong += [f"{name}: {failure}" for failure in tally.failures[:5]]
        wrong += [f"{name}: {what}" for what in outcomes(router)]
        if not router.process.running():
            wrong.append(f"{name} has ended by itself\n{router.log()[-2000:]}")
        if tally.complete < 0.7 * tally.planned:
            wrong.append(f"{name}: only {tally.complete} of {tally.planned} requests were answered")
        if seen.samples[-1][0] * WARM_UP >= WARM_UP_MIN and seen.slope() > RSS_LIMIT_KIB_PER_MIN:
            wrong.append(f"{name}: memory grows by {seen.slope():.0f} KiB a minute")
        before = seen.samples[min(2, len(seen.samples) - 1)][2]
        if seen.samples[-1][2] > before + 20:
            wrong.append(f"{name}: {before} open files at first, {seen.samples[-1][2]} at the end")
    print(", ".join(f"{count} {what}" for what, count in chaos.counts.items()))
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=30, help="requests per second, of each router")
    options = parser.parse_args()
    running: list[Process] = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            wrong = asyncio.run(soak(pathlib.Path(directory), options.minutes, options.rate, running))
        finally:
            for process in reversed(running):
                process.stop()
    for what in wrong:
        print(f"wrong: {what}")
    print("failed" if wrong else "all is well")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
