"""Nothing that a client sends in confidence comes out of the router's own outputs: what it logs, traces, counts,
shows and records. Each secret is a word that occurs nowhere else, and every output is searched for all of them."""

import subprocess

import pytest

from harness.openai import chat
from harness.process import POINTSMAN
from harness.wait import until

SECRETS = {
    "prompt": "zqprompt7391", "system": "zqsystem7392", "tool": "zqtool7393", "authorization": "zqbearer7394",
    "cookie": "zqcookie7395", "api key": "zqapikey7396", "query": "zqquery7397", "broken body": "zqbroken7398",
    "other header": "zqheader7399", "answer": "zqanswer7400", "error": "zqerror7401",
    "environment": "zqcollector7402",
}
HEADERS = {"authorization": f"Bearer {SECRETS['authorization']}", "cookie": f"session={SECRETS['cookie']}",
           "x-api-key": SECRETS["api key"], "x-something": SECRETS["other header"]}
ALL_OUTPUTS = ("-v=5", "--trace-decision-matrix", "--keep=1/1")


def talk(client, servers) -> None:
    """Requests that succeed, that the router refuses and that a server fails, with secrets in every place."""
    body = chat(SECRETS["prompt"], tools=[{"type": "function", "function": {"name": SECRETS["tool"]}}])
    body["messages"].insert(0, {"role": "system", "content": SECRETS["system"]})
    path = f"/v1/chat/completions?key={SECRETS['query']}"
    for stream in (False, True):
        assert client.post(path, {**body, "stream": stream}, HEADERS).status == 200
    for broken in (f'{{"model": "m", "{SECRETS["broken body"]}', f'{{"model": {SECRETS["broken body"]}',
                   f'{{"model": "m", "messages": "{SECRETS["broken body"]}"}}',
                   f'{{"model": "m", "messages": [{{"role": "user", "content": {{"{SECRETS["broken body"]}": 1}}}}]}}'):
        assert client.post(path, broken.encode(), HEADERS).status == 400
    assert client.request("GET", f"/v1/{SECRETS['query']}", None, HEADERS).status < 500
    for server in servers:
        server.behave.status, server.behave.message = 500, SECRETS["error"]
    assert client.post(path, body, HEADERS).status == 500
    seen = [request for server in servers for request in server.seen if request.method == "POST"]
    assert any(SECRETS["prompt"].encode() in request.body for request in seen)
    assert any(SECRETS["authorization"] in request.headers.get("authorization", "") for request in seen)


def shown(router) -> dict[str, str]:
    """What the admin port tells."""
    admin = router.admin
    decisions = admin.json("/decisions?limit=100")
    ids = [decision["id"] for decision in decisions["decisions"]]
    assert ids
    out = {f"/decisions/{each}": admin.get(f"/decisions/{each}")[1] for each in ids}
    for path in ("/metrics", "/decisions?limit=100", "/endpoints", "/readyz", "/healthz"):
        out[path] = admin.get(path)[1]
    why = subprocess.run([POINTSMAN, "why", ids[0], "--admin", admin.url], capture_output=True, text=True, check=False)
    out["why"] = why.stdout + why.stderr
    return out


def search(outputs: dict[str, str]) -> list[str]:
    return [f"{what} in {where}" for where, text in outputs.items() for what, word in SECRETS.items() if word in text]


@pytest.fixture
def secretive(model_servers, tmp_path, spawn, client, collector):
    """secretive(start, port_of) starts a router with every output on, talks to it and returns all that came out."""

    def run(start, exporter: str) -> dict[str, str]:
        servers = model_servers(2)
        for server in servers:
            server.behave.word = SECRETS["answer"]
        env = {"OTEL_TRACES_EXPORTER": exporter, "OTEL_TRACES_SAMPLER_ARG": "1", "OTEL_BSP_SCHEDULE_DELAY": "50",
               "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.grpc_port}",
               "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={SECRETS['environment']}"}
        record = tmp_path / "record"
        router, port = start(servers, args=["--tracing=true", f"--record={record}", *ALL_OUTPUTS], env=env)
        tap = spawn([POINTSMAN, "tap", "--admin", router.admin.url, "--json"], name="tap")
        link = client(port)
        until(lambda: link.chat("hello") and tap.output(), "the tap shows a decision")
        talk(link, servers)
        outputs = shown(router)
        if exporter == "otlp":
            spans = collector.wait_for("gateway.request", 8)
            outputs["spans"] = "\n".join(f"{span.raw} {span.resource}" for span in spans + collector.spans())
        until(lambda: tap.output().count("\n") >= 4, "the tap shows more decisions")
        link.close()  # the router would wait for that before it ends
        router.process.stop()
        outputs["log"] = router.log()
        outputs["tap"] = tap.output()
        files = list(record.glob("*.pmr"))
        outputs["record"] = "\n".join(file.read_bytes().decode("latin-1") for file in files)
        for name, text in outputs.items():
            assert text, f"nothing to search in {name}"
        return outputs

    return run


@pytest.mark.parametrize("exporter", ["otlp", "console"])
def test_serve_keeps_secrets(secretive, serve, exporter):
    def start(servers, **options):
        router = serve(servers, **options)
        return router, router.port

    outputs = secretive(start, exporter)
    assert search(outputs) == []
    assert len(outputs["log"].splitlines()) > 5
    assert "queue-scorer" in outputs["record"]


@pytest.mark.parametrize("exporter", ["otlp", "console"])
def test_epp_keeps_secrets(secretive, epp, envoy, exporter):
    def start(servers, **options):
        picker = epp(servers, **options)
        return picker, envoy(picker.port).port

    outputs = secretive(start, exporter)
    assert search(outputs) == []
    assert "gateway.request" in (outputs["spans"] if exporter == "otlp" else outputs["log"])


def test_the_search_finds_what_is_there(model_servers, serve, client):
    """A model's name is no secret and is shown: a secret in its place would be found by the same search."""
    servers = model_servers(1)
    router = serve(servers)
    client(router.port).chat("hello", model=SECRETS["prompt"])
    found = search(shown(router))
    assert "prompt in /metrics" in found and "prompt in /decisions?limit=100" in found
