"""Decisions that explain themselves: recorded under load, replayed bit for bit, judged under another configuration."""

import asyncio
import json
import random
import re
import signal
import subprocess

import aiohttp
import grpc
import pytest
import yaml
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc

from harness.ext_proc import header_map
from harness.pointsman import write_config
from harness.process import POINTSMAN, accepts, free_ports
from harness.wait import until

PLUGINS = [{"type": "queue-scorer"}, {"type": "kv-cache-utilization-scorer"}, {"type": "prefix-cache-scorer"},
           {"type": "running-requests-size-scorer"}, {"type": "lora-affinity-scorer"},
           {"type": "no-hit-lru-scorer"}, {"type": "active-request-scorer"},
           {"type": "session-affinity-scorer",
            "parameters": {"strategy": "session_id", "sessionIdConfig": {"sources": [{"header": "x-session"}]}}},
           {"type": "label-selector-filter", "name": "not-old",
            "parameters": {"matchExpressions": [{"key": "age", "operator": "NotIn", "values": ["old"]}]}}]
WEIGHTS = {"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3,
           "running-requests-size-scorer": 1, "lora-affinity-scorer": 1, "no-hit-lru-scorer": 1,
           "active-request-scorer": 1, "session-affinity-scorer": 1}
LORAS = ["lora-a", "lora-b"]


def profiles(**weights):
    scorers = [{"pluginRef": name, "weight": weight} for name, weight in {**WEIGHTS, **weights}.items()]
    return [{"name": "default", "plugins": [{"pluginRef": "not-old"}, *scorers]}]


def run(*arguments):
    return subprocess.run([POINTSMAN, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


class Fleet:
    """Simulated servers, some of which come and go in the endpoints file."""

    def __init__(self, spawn, tmp_path, count=6):
        first = free_ports(count)
        self.ports = [first + i for i in range(count)]
        self.file = tmp_path / "endpoints.yaml"
        spawn([POINTSMAN, "sim", f"--count={count}", f"--port={first}", "--model=m", "--pace=200us",
               "--output-tokens=4", *[f"--lora={name}" for name in LORAS]], name="sim")
        until(lambda: all(accepts(port) for port in self.ports), "the simulated servers listen")
        self.write()

    def write(self, gone=()):
        entries = [{"name": f"s{i}", "address": "127.0.0.1", "port": str(port),
                    "labels": {"age": "old" if i == 1 else "new"}}
                   for i, port in enumerate(self.ports) if i not in gone]
        fresh = self.file.with_suffix(".new")
        fresh.write_text(yaml.safe_dump({"endpoints": entries}))
        fresh.replace(self.file)

    async def churn(self, chance: random.Random):
        """A server leaves and comes back, again and again; never the one that is needed last."""
        while True:
            self.write(gone={chance.randrange(2, len(self.ports))})
            await asyncio.sleep(0.25)
            self.write()
            await asyncio.sleep(0.15)


def prompts(chance: random.Random):
    """Prompts that share long beginnings, as conversations do."""
    beginnings = ["".join(chance.choices("abcdefgh ", k=6000)) for _ in range(12)]
    while True:
        yield chance.choice(beginnings)[: chance.choice([500, 2000, 6000])] + str(chance.random())


def session(chance):
    return f"session-{chance.randrange(40)}"


def body(chance, source):
    model = chance.choice(["m", "m", "m", *LORAS])
    return {"model": model, "prompt": next(source), "max_tokens": 4, "stream": chance.random() < 0.3}


async def drive_http(port, count, fleet, chance, halfway):
    source, left = prompts(chance), iter(range(count))

    async def one_client(client):
        for number in left:
            if number == count // 2:
                halfway()
            async with client.post(f"http://127.0.0.1:{port}/v1/completions", json=body(chance, source),
                                   headers={"x-session": session(chance)}) as answer:
                await answer.read()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as client:
        churn = asyncio.create_task(fleet.churn(chance))
        await asyncio.gather(*(one_client(client) for _ in range(32)))
        churn.cancel()
    fleet.write()


async def drive_ext_proc(port, count, fleet, chance):
    """Plays the proxy, but answers by itself: only decisions count here."""
    source, left = prompts(chance), iter(range(count))
    end = json.dumps({"usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
                                "prompt_tokens_details": {"cached_tokens": 5}}}).encode()

    async def one_client(stub):
        for _ in left:
            call = stub.Process(timeout=30)
            await call.write(ext_proc.ProcessingRequest(request_headers=ext_proc.HttpHeaders(headers=header_map(
                {":method": "POST", ":path": "/v1/completions", ":authority": "test", "x-session": session(chance)}))))
            await call.write(ext_proc.ProcessingRequest(request_body=ext_proc.HttpBody(
                body=json.dumps(body(chance, source)).encode(), end_of_stream=True)))
            message = await call.read()
            if message is not grpc.aio.EOF and message.WhichOneof("response") == "request_headers":
                await call.write(ext_proc.ProcessingRequest(response_headers=ext_proc.HttpHeaders(
                    headers=header_map({":status": "200", "content-type": "application/json"}))))
                if chance.random() < 0.9:  # some clients go away
                    await call.write(ext_proc.ProcessingRequest(response_body=ext_proc.HttpBody(
                        body=end, end_of_stream=True)))
            await call.done_writing()
            while await call.read() is not grpc.aio.EOF:
                pass

    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
                for _ in range(4)]
    churn = asyncio.create_task(fleet.churn(chance))
    await asyncio.gather(*(one_client(ext_proc_grpc.ExternalProcessorStub(channels[i % 4])) for i in range(32)))
    churn.cancel()
    fleet.write()
    for channel in channels:
        await channel.close()


@pytest.fixture
def recorded(spawn, serve, epp, tmp_path):
    """10,000 decisions of both faces: the folders they are in, and the configuration that made them."""
    chance = random.Random(7)
    fleet = Fleet(spawn, tmp_path)
    config = write_config(tmp_path / "router.yaml", plugins=PLUGINS, profiles=profiles())

    def reload():
        write_config(config, plugins=PLUGINS, profiles=profiles(**{"running-requests-size-scorer": 4}))
        http.process.child.send_signal(signal.SIGHUP)

    # Loads grow stale between two scrapes, so that some decisions miss some signals.
    common = ["--metrics-staleness-threshold=70ms", "--refresh-metrics-interval=60ms", "--record-file-size=2Mi",
              "--allow-experimental-plugins"]
    http = serve(args=[f"--endpoints-file={fleet.file}", f"--config-file={config}", "--workers=3", *common,
                       f"--record={tmp_path / 'http'}"])
    asyncio.run(drive_http(http.port, 6000, fleet, chance, halfway=reload))
    assert http.admin.metric("pointsman_config_reloads_total", result="applied") == 1
    until(lambda: http.admin.metric("pointsman_record_frames_total", kind="outcome") >= 6000, "outcomes are written")
    assert http.admin.metric("pointsman_record_dropped_total") == 0
    http.process.stop()

    picker = epp([], config={"plugins": PLUGINS, "profiles": profiles()}, wait=False,
                 args=["--workers=2", *common, f"--record={tmp_path / 'grpc'}"])
    assert fleet.file == picker.endpoints
    fleet.write()
    picker.process.wait_ready(picker.serving, "gRPC health says SERVING")
    until(lambda: len(picker.admin.json("/endpoints")["endpoints"]) == 6, "the endpoints are known")
    asyncio.run(drive_ext_proc(picker.port, 4000, fleet, chance))
    picker.process.stop()
    return tmp_path


def test_ten_thousand_decisions_are_replayed_bit_for_bit(recorded):
    for threads in (1, 4):
        done = run("replay", recorded / "http", recorded / "grpc", f"--threads={threads}")
        assert done.returncode == 0, done.stdout + done.stderr
        identical, total = re.match(r"([\d,]+) of ([\d,]+) decisions are identical", done.stdout).groups()
        assert identical == total == "10,000", done.stdout
        assert "damaged" not in done.stdout

    changed = write_config(recorded / "changed.yaml", plugins=PLUGINS, profiles=profiles(**{"prefix-cache-scorer": 0.5}))
    done = run("replay", recorded / "http", f"--config-file={changed}")
    assert done.returncode == 1
    assert "first difference: decision" in done.stdout
    assert "picked:" in done.stdout

    done = run("whatif", f"--config-file={changed}", recorded / "http", recorded / "grpc")
    assert done.returncode == 0, done.stderr
    picks = int(re.search(r"picks that change +([\d,]+)", done.stdout).group(1).replace(",", ""))
    assert 0 < picks < 10_000
    assert "What this cannot tell" in done.stdout

    same = write_config(recorded / "same.yaml", plugins=PLUGINS, profiles=profiles())
    done = run("whatif", f"--config-file={same}", recorded / "grpc")
    assert re.search(r"picks that change +0 ", done.stdout), done.stdout

    # A file that was cut short is read as far as it goes.
    newest = sorted((recorded / "http").glob("*.pmr"))[-1]
    cut = recorded / "cut.pmr"
    cut.write_bytes(newest.read_bytes()[:-1000])
    done = run("replay", cut)
    assert done.returncode == 0
    assert "not closed in order" in done.stdout


def test_what_is_no_record_is_refused_in_words(tmp_path):
    other = tmp_path / "other.pmr"
    other.write_text("no record at all, but long enough")
    done = run("replay", other)
    assert done.returncode == 2
    assert "not a decision record" in done.stderr
    assert run("replay", tmp_path / "nowhere").returncode == 2


def test_prompts_are_not_in_the_record(serve, model_servers, client, tmp_path):
    router = serve(model_servers(2), args=[f"--record={tmp_path / 'record'}"])
    link = client(router.port)
    for number in range(20):
        link.chat(f"the quick brown secret {number}")
    link.close()  # the router would wait for that before it ends
    router.process.stop()
    [file] = (tmp_path / "record").glob("*.pmr")
    assert b"secret" not in file.read_bytes()
    assert b"queue-scorer" in file.read_bytes()


def test_a_tap_shows_decisions_as_they_end(serve, model_servers, client, spawn):
    servers = model_servers(2)
    router = serve(servers)
    servers[0].behave.load = {"running": 30, "waiting": 20, "kv": 0.9}
    router.admin.wait_scraped(servers)
    every = spawn([POINTSMAN, "tap", "--admin", router.admin.url, "--json", "--count=5"], name="every")
    failed = spawn([POINTSMAN, "tap", "--admin", router.admin.url, "--count=1", "--where",
                    f"status >= 500 and endpoint ~ {servers[1].port}"], name="failed")

    def watched():  # a tap hears of what ends after it began
        client(router.port).chat("hello")
        return "endpoint" in every.output()

    until(watched, "the tap shows a decision")
    servers[1].behave.status = 503
    until(lambda: client(router.port).chat("hello") and not failed.running(), "the failed one is shown")
    assert "503" in failed.output()
    until(lambda: client(router.port).chat("hello") and not every.running(), "five are shown")
    assert every.wait_end() == 0
    [first, *others] = every.output().splitlines()
    assert len(others) == 4
    shown = json.loads(first)
    assert shown["status"] == 200
    assert shown["decider"] in ("queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer")
    assert shown["margin"] > 0


def test_a_tap_says_what_is_wrong_with_its_condition(serve, model_servers):
    router = serve(model_servers(1))
    done = run("tap", "--admin", router.admin.url, "--where", "statsu = 200")
    assert done.returncode == 1
    assert "no field `statsu`" in done.stderr
