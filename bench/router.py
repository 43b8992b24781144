"""The whole router under load: CPU per request of `pointsman epp` beside Envoy's own, and of `pointsman serve`.

    ./dev bench router [--rows small,large] [--systems epp,serve,envoy,bare] [--half 100,500] [--workers N]

Load is open loop against eight fake servers that stream one token per 5 ms; their 55 kB metric pages are scraped every
50 ms all the while. CPU is the kernel's account of the process (nanoseconds), less what the process uses idle. A chunk's
cost is the difference to the same load answered whole, divided by its chunks. Envoy's own CPU in the same run is the
yardstick: beside the picker ("envoy"), and by itself with round robin ("alone"), which is what `serve` replaces. The system
`bare` is the floor: a relay that only copies bytes, so that its CPU is the kernel's price of a message in and out. A row
with an error is no figure and says so, as does one taken on a machine too busy to keep the pace ("busy"). Below each row
of the picker stands its routing time: from the last byte of a request to the routing reply written, from the picker's own
histogram. The rows `half` and `half-whole` ask at half of what this machine takes through Envoy (`--half`: streamed and
whole requests a second).
"""

import argparse
import asyncio
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "e2e")]

import load  # noqa: E402
from harness.envoy import Envoy, without_picker  # noqa: E402
from harness.pointsman import Admin, Epp, Serve  # noqa: E402
from harness.process import Process, accepts, free_port  # noqa: E402

SHAPES = [
    load.Shape("small-whole", 200, 100, False, 100, 10),
    load.Shape("small", 200, 100, True, 30, 10),
    load.Shape("medium-whole", 10_000, 1_000, False, 20, 10),
    load.Shape("medium", 10_000, 1_000, True, 2, 10),
    load.Shape("large-whole", 100_000, 1_000, False, 10, 10),
    load.Shape("large", 100_000, 1_000, True, 2, 10),
]
HALF = [("half", True, 10), ("half-whole", False, 10)]  # of 200/100 tokens, at the rates of --half
ROUTING = "pointsman_routing_duration_seconds"
WARM_UP = load.Shape("warm-up", 200, 20, True, 20, 2)
IDLE_S = 4.0


@dataclass
class FakeServer:
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"


class FakeServers:
    def __init__(self, count: int):
        self.child = subprocess.Popen([sys.executable, ROOT / "bench" / "fake_servers.py", f"--count={count}"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.servers = [FakeServer(port) for port in json.loads(self.child.stdout.readline())]

    def stop(self) -> None:
        self.child.stdin.close()
        self.child.wait(10)


def cpu_s(pid: int) -> float:
    """Seconds of CPU that the kernel has charged to the process, all threads, those that ended included."""
    return time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3)


def memory_mib(pid: int) -> tuple[float, float]:
    """Peak and present resident size."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmHWM", "VmRSS"))


def idle_rate(pids: list[int]) -> list[float]:
    """CPU per second of each process while nobody asks anything."""
    before, began = [cpu_s(pid) for pid in pids], time.monotonic()
    time.sleep(IDLE_S)
    return [(cpu_s(pid) - old) / (time.monotonic() - began) for pid, old in zip(pids, before)]


class System:
    """Processes under test, by name, and the port that clients use."""

    def __init__(self, name: str, directory: pathlib.Path, servers: list[FakeServer], workers: int):
        self.running: list[Process] = []
        self.admin: Admin | None = None  # of a picker

        def spawn(command, name="process", **options):
            self.running.append(Process(command, directory / f"{name}.log", **options))
            return self.running[-1]

        if name == "epp":
            picker = Epp(spawn, directory, servers, args=["--tracing=false", f"--workers={workers}"], wait=False)
            picker.process.wait_ready(picker.serving, "gRPC health says SERVING")
            envoy = Envoy(directory, picker.port, concurrency=workers)
            self.running.append(envoy.process)
            picker.admin.wait_load(len(servers))
            self.admin = picker.admin
            self.port, self.pids = envoy.port, {"epp": picker.pid, "envoy": envoy.process.pid}
        elif name == "envoy":
            alone = without_picker([("127.0.0.1", server.port) for server in servers])
            envoy = Envoy(directory, 0, concurrency=workers, config=alone)
            self.running.append(envoy.process)
            self.port, self.pids = envoy.port, {"alone": envoy.process.pid}
        elif name == "bare":
            self.port = free_port()
            relay = spawn([ROOT / "build/release/pointsman_bare_relay", workers, self.port, *(server.port for server in servers)])
            relay.wait_ready(lambda: accepts(self.port), "the relay takes connections")
            self.pids = {"bare": relay.pid}
        else:
            router = Serve(spawn, servers, wait=False, args=[f"--workers={workers}"])
            router.process.wait_ready(router.admin.ready, "serve is ready")
            router.admin.wait_load(len(servers))
            self.port, self.pids = router.port, {"serve": router.pid}

    def routing_times(self) -> dict[float, float]:
        """Replies of the picker so far that took at most so many seconds."""
        if self.admin is None:
            return {}
        counts = {}
        for line in self.admin.get("/metrics")[1].splitlines():
            if line.startswith(f'{ROUTING}_bucket{{le="'):
                bound, count = line.removeprefix(f'{ROUTING}_bucket{{le="').split('"} ')
                counts[float(bound)] = float(count)
        return counts

    def stop(self) -> None:
        for process in reversed(self.running):
            process.stop()


def quantile(counts: dict[float, float], share: float) -> float:
    """Seconds, placed within its bucket as Prometheus does."""
    wanted, low, below = share * counts[float("inf")], 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / max(count - below, 1e-9)
        low, below = bound, count
    return low


def print_routing(shape: load.Shape, before: dict[float, float], after: dict[float, float]) -> None:
    counts = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    if counts.get(float("inf")):
        ms = [f"{1e3 * quantile(counts, share):.2f}" for share in (0.5, 0.9, 0.99)]
        print(f"    routing time of {counts[float('inf')]:.0f} requests at {shape.per_second:g}/s: "
              f"p50 {ms[0]}, p90 {ms[1]}, p99 {ms[2]} ms", flush=True)


def measure(name: str, shapes: list[load.Shape], servers: list[FakeServer], workers: int) -> None:
    whole: dict[tuple[str, str], float] = {}  # CPU per request of a load's unstreamed twin
    for at, shape in enumerate(shapes):
        with tempfile.TemporaryDirectory() as directory:
            system = System(name, pathlib.Path(directory), servers, workers)
            try:
                asyncio.run(load.run(WARM_UP, system.port, 10_000_000))
                pids = list(system.pids.values())
                idle = idle_rate(pids)
                routed = system.routing_times()
                before, began = [cpu_s(pid) for pid in pids], time.monotonic()
                result = asyncio.run(load.run(shape, system.port, 1_000_000 * (at + 1)))
                elapsed = time.monotonic() - began
                used = [cpu_s(pid) - old - rate * elapsed for pid, old, rate in zip(pids, before, idle)]
                for process, pid, cpu, rate in zip(system.pids, pids, used, idle):
                    print_row(shape, process, result, cpu, rate, memory_mib(pid)[0], whole)
                print_routing(shape, routed, system.routing_times())
                for error in result.errors[:3]:
                    print(f"    error: {error}")
            finally:
                system.stop()


def print_heading() -> None:
    print(f"{'load':<12} {'process':<7} {'ms/request':>10} {'us/chunk':>9} {'idle %':>7} {'peak MiB':>9} {'requests':>9} "
          f"{'chunks':>8} {'errors':>7} {'TTFT p50':>9} {'p99 ms':>8}")


def print_row(shape: load.Shape, process: str, result: load.Result, cpu: float, idle: float, peak: float,
              whole: dict[tuple[str, str], float]) -> None:
    expected = result.planned * shape.output_tokens if shape.stream else 0
    per_request, per_chunk = "no figure", "-"
    if result.busy():
        per_request = "busy"
    elif not result.errors and result.complete == result.planned and result.chunks == expected:
        cost = cpu / result.complete
        per_request = f"{1e3 * cost:.2f}"
        if not shape.stream:
            whole[shape.name, process] = cost
        elif (twin := whole.get((f"{shape.name}-whole", process))) is not None:
            per_chunk = f"{1e6 * (cost - twin) / shape.output_tokens:.1f}"
    print(f"{shape.name:<12} {process:<7} {per_request:>10} {per_chunk:>9} {100 * idle:>7.1f} {peak:>9.1f} "
          f"{result.complete:>9} {result.chunks:>8} {len(result.errors):>7} {result.first_token_ms(0.5):>9.1f} "
          f"{result.first_token_ms(0.99):>8.1f}", flush=True)


def measure_idle(count: int, workers: int) -> None:
    fakes = FakeServers(count)
    try:
        with tempfile.TemporaryDirectory() as directory:
            system = System("serve", pathlib.Path(directory), fakes.servers, workers)
            try:
                idle_rate([system.pids["serve"]])  # let every connection be made first
                [rate] = idle_rate([system.pids["serve"]])
                peak, _ = memory_mib(system.pids["serve"])
                print(f"idle, {count} endpoints scraped every 50 ms: {rate:.3f} cores, {peak:.1f} MiB, "
                      f"{1e6 * rate / count / 20:.0f} us per scrape")
            finally:
                system.stop()
    finally:
        fakes.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join([shape.name for shape in SHAPES] + [name for name, *_ in HALF]), help="which loads")
    parser.add_argument("--half", default="100,500", help="requests a second of the rows half and half-whole")
    parser.add_argument("--systems", default="epp,serve,envoy")
    parser.add_argument("--idle-endpoints", type=int, default=100, help="0: leave the idle row out")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="threads of each router, Envoy included")
    options = parser.parse_args()

    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; tokens every 5 ms, 8 endpoints, "
          f"CPU net of idle, {options.workers} workers each")
    print_heading()
    fakes = FakeServers(8)
    try:
        rates = [float(rate) for rate in options.half.split(",")]
        half = [load.Shape(name, 200, 100, stream, rate, seconds) for (name, stream, seconds), rate in zip(HALF, rates)]
        shapes = [shape for shape in SHAPES + half if shape.name in options.rows.split(",")]
        for system in options.systems.split(","):
            measure(system, shapes, fakes.servers, options.workers)
    finally:
        fakes.stop()
    if options.idle_endpoints:
        measure_idle(options.idle_endpoints, options.workers)


if __name__ == "__main__":
    main()
