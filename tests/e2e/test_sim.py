"""`pointsman sim`: servers that a router cannot tell from vLLM."""

import http.client
import json

import pytest

from harness.openai import chat, completion
from harness.process import POINTSMAN, accepts, free_ports
from harness.wait import until

PROMPT = "once upon a time there was a railway " * 200


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


# Faults


def fault(port: int, client, **order) -> None:
    answer = client(port).post("/sim/faults", order)
    assert answer.status == 200, answer.body


def test_a_dead_server_refuses_connections_until_cleared(sim, client):
    first, second = sim(2)
    fault(second, client, fault="dead", server=0)
    until(lambda: not accepts(first), "the port is closed")
    fault(second, client, fault="clear", server=0)
    until(lambda: accepts(first), "the port is open again")


def test_a_cut_stream_ends_early_and_unfinished(sim, client):
    [port] = sim(1)
    server = client(port)
    model = model_of(server)
    fault(port, client, fault="cut-stream", tokens=2)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        server.post("/v1/chat/completions", chat(model=model, max_tokens=50, stream=True))


def test_an_error_fault_answers_with_its_status(sim, client):
    [port] = sim(1)
    server = client(port)
    model = model_of(server)
    fault(port, client, fault="error", status=503)
    assert server.chat(model=model).status == 503
    fault(port, client, fault="clear")
    assert server.chat(model=model, max_tokens=1).status == 200


def test_a_lost_cache_is_cold_again(sim, client):
    [port] = sim(1)
    server = client(port)
    body = completion(PROMPT, model_of(server), max_tokens=1)

    def cached() -> int:
        return server.post("/v1/completions", body).json()["usage"]["prompt_tokens_details"]["cached_tokens"]

    assert cached() == 0
    assert cached() > 0
    fault(port, client, fault="cache-loss")
    assert cached() == 0


def test_garbage_metrics_do_not_parse(sim, client):
    [port] = sim(1)
    fault(port, client, fault="metrics-garbage")
    assert b"vllm:num_requests_running{" not in client(port).get("/metrics").body


def test_an_unknown_fault_is_400_and_says_what_is_possible(sim, client):
    answer = client(sim()[0]).post("/sim/faults", {"fault": "no-such"})
    assert answer.status == 400
    assert b"cut-stream" in answer.body
