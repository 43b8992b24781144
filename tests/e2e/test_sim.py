"""`pointsman sim`: servers that a router cannot tell from vLLM."""

import json
import socket

import pytest

from harness.openai import chat, completion
from harness.process import POINTSMAN, accepts, free_port
from harness.wait import until

PROMPT = "once upon a time there was a railway " * 200


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


@pytest.fixture
def sim(spawn):
    """sim(count) -> ports of running simulated servers, ten times as fast as their model."""

    def start(count: int = 1, *arguments) -> list[int]:
        first = free_ports(count)
        process = spawn([POINTSMAN, "sim", f"--count={count}", f"--port={first}", "--time-scale=10", *arguments],
                        name="sim")
        ports = list(range(first, first + count))
        process.wait_ready(lambda: all(accepts(port) for port in ports), "every simulated server listens")
        return ports

    return start


def gauge(client, name: str) -> float:
    page = client.get("/metrics").body.decode()
    [value] = [line.rpartition(" ")[2] for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name]
    return float(value)


def test_every_server_has_a_port_of_its_own(sim, client):
    for port in sim(3):
        assert client(port).get("/health").status == 200
        assert client(port).get("/v1/models").json()["data"][0]["object"] == "model"


def model_of(client) -> str:
    return client.get("/v1/models").json()["data"][0]["id"]


def test_chat_and_completions_are_answered_with_usage(sim, client):
    server = client(sim()[0])
    model = model_of(server)
    for path, body in [("/v1/chat/completions", chat(model=model, max_tokens=5)),
                       ("/v1/completions", completion(model=model, max_tokens=5))]:
        answer = server.post(path, body)
        assert answer.status == 200, answer.body
        usage = answer.json()["usage"]
        assert usage["completion_tokens"] == 5
        assert usage["total_tokens"] == usage["prompt_tokens"] + 5


def test_a_stream_ends_with_done(sim, client):
    server = client(sim()[0])
    answer = server.post("/v1/chat/completions", chat(model=model_of(server), max_tokens=5, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.events()
    assert events[-1] == "[DONE]"
    assert all(json.loads(event)["object"] == "chat.completion.chunk" for event in events[:-1])


def test_the_second_time_the_prompt_is_cached(sim, client):
    server = client(sim()[0])
    model = model_of(server)
    cached = []
    for _ in range(2):
        usage = server.post("/v1/completions", completion(PROMPT, model, max_tokens=2)).json()["usage"]
        cached.append(usage["prompt_tokens_details"]["cached_tokens"])
    assert cached[0] == 0
    assert 0 < cached[1] < usage["prompt_tokens"]


def test_metrics_have_vllm_names_and_a_realistic_size(sim, client):
    server = client(sim()[0])
    page = server.get("/metrics").body.decode()
    for name in ["vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
                 "vllm:cache_config_info", "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"]:
        assert f"# TYPE {name}" in page or f"\n{name}" in page, name
    assert 20_000 < len(page) < 200_000


def test_a_running_request_shows_in_the_metrics_and_a_gone_client_does_not(sim, client):
    [port] = sim(1)
    server, watcher = client(port), client(port)
    response = server.start("POST", "/v1/chat/completions",
                            chat(model=model_of(watcher), max_tokens=2000, stream=True))
    response.readline()
    until(lambda: gauge(watcher, "vllm:num_requests_running") == 1, "the request is running")
    response.close()
    server.close()
    until(lambda: gauge(watcher, "vllm:num_requests_running") == 0, "the request is gone")


def test_an_unknown_model_is_404(sim, client):
    assert client(sim()[0]).chat(model="no-such-model").status == 404
