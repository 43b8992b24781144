"""`pointsman serve` before model servers that speak HTTP/2 without TLS: Envoy before a fake server, and the h2 library."""

import itertools
import json
import time

import pytest

from harness.envoy import without_picker
from harness.h2_server import H2Server
from harness.openai import Client, chat, many_streams
from harness.wait import until

NUMBERS = itertools.count()


@pytest.fixture
def h2_server(cleanup):
    def start(*args, **options) -> H2Server:
        server = H2Server(*args, **options)
        cleanup(server.stop)
        return server

    return start


@pytest.fixture
def h2_front(envoy):
    """h2_front(server) -> an Envoy that speaks HTTP/2 only, before this model server."""

    def start(server):
        config = without_picker([(server.host, server.port)])
        [listener] = config["static_resources"]["listeners"]
        listener["filter_chains"][0]["filters"][0]["typed_config"]["codec_type"] = "HTTP2"
        return envoy(0, config=config)

    return start


def ask(port) -> int:
    """The status of one chat, unlike all others, on a connection of its own."""
    client = Client(port)
    try:
        return client.chat(f"{next(NUMBERS)} begins this request").status
    finally:
        client.close()


def test_requests_go_to_an_h2c_server_in_http2(model_servers, h2_front, serve, client):
    [server] = model_servers(1)
    front = h2_front(server)
    server.behave.models = ["m"]
    router = serve([], args=["--workers=1", "--endpoint", f"h2c://127.0.0.1:{front.port}"])
    router.admin.wait_scraped([server])  # its metrics come by HTTP/2 too
    until(lambda: server.polls, "it was asked for its models")
    link = client(router.port)
    assert link.chat().json()["usage"]["completion_tokens"] == 3
    assert link.post("/v1/chat/completions", chat(stream=True)).events()[-1] == "[DONE]"
    large = chat("x" * 3_000_000)
    assert link.post("/v1/chat/completions", large).status == 200
    assert server.seen[-1].json() == large
    assert link.request("HEAD", "/health").status == 200
    assert server.seen[0].headers["x-forwarded-for"].startswith("127.0.0.1,")  # Envoy adds itself
    assert front.counter("http.ingress_http.downstream_cx_http1_total") == 0
    assert "downstream_cx_protocol_error: 0" in front.get("/stats?filter=downstream_cx_protocol_error")


def test_many_streams_share_one_connection(model_servers, h2_front, serve):
    [server] = model_servers(1)
    front = h2_front(server)
    router = serve([], args=["--workers=1", "--endpoint", f"h2c://127.0.0.1:{front.port}"])
    server.behave.gap = 0.02
    result = many_streams(router.port, 60)
    assert (result.complete, result.failures) == (60, [])
    # One for requests, one for scrapes, one for models.
    assert int(front.get("/stats?filter=listener.*downstream_cx_total$&filter=127").split(": ")[1].split()[0]) <= 4


def test_a_client_that_goes_away_resets_its_stream_at_once(h2_server, serve, client):
    server = h2_server("hang")
    router = serve([], args=["--endpoint", server.url])
    link = Client(router.port)
    link.connection.request("POST", "/v1/chat/completions", json.dumps(chat()))
    until(lambda: server.seen, "the request is there")
    began = time.monotonic()
    link.close()
    until(lambda: server.seen[0].reset is not None, "it is reset")
    assert time.monotonic() - began < 1
    assert server.seen[0].reset == 8  # CANCEL
    server.does = "answer"
    assert client(router.port).chat().json() == {"object": "h2"}


@pytest.mark.parametrize("does, reason", [("refuse", "refused"), ("leave", "stale")])
def test_a_request_that_was_not_worked_on_goes_to_the_next_server(does, reason, h2_server, serve):
    good, bad = h2_server(), h2_server(does)
    router = serve([], args=["--workers=1", "--endpoint", good.url, "--endpoint", bad.url, "--eject-after=0"])
    until(lambda: ask(router.port) == 200 and bad.seen, "both were picked")
    assert [ask(router.port) for _ in range(8)] == [200] * 8
    retried = router.admin.metric("pointsman_retries_total", reason=reason)
    assert retried == len(bad.seen) == router.admin.metric("pointsman_upstream_failures_total", reason=reason)


def test_a_lone_server_that_leaves_is_asked_again_on_another_connection(h2_server, serve, client):
    server = h2_server("leave")
    router = serve([], args=["--workers=1", "--endpoint", server.url, "--retries=1"])
    assert ask(router.port) == 502
    assert len(server.seen) == 2


def test_a_server_that_refuses_is_left_out_and_alone_is_a_502(h2_server, serve):
    bad = h2_server("refuse")
    router = serve([], args=["--workers=1", "--endpoint", bad.url])
    assert ask(router.port) == 502
    assert len(bad.seen) == 1
    good = h2_server()
    router = serve([], args=["--workers=1", "--endpoint", good.url, "--endpoint", bad.url, "--eject-after=2"], name="two")
    until(lambda: ask(router.port) == 200 and len(bad.seen) == 3, "it has refused twice more")
    assert [ask(router.port) for _ in range(10)] == [200] * 10
    assert len(bad.seen) == 3
    assert router.admin.metric("pointsman_endpoint_ejected") == 1


def test_a_label_in_the_endpoints_file_says_h2c(h2_server, serve, client, tmp_path):
    server = h2_server()
    file = tmp_path / "e.yaml"
    file.write_text(f"endpoints: [{{name: a, address: 127.0.0.1, port: {server.port}, labels: {{protocol: h2c}}}}]")
    router = serve([], args=["--endpoints-file", file])
    assert client(router.port).chat().json() == {"object": "h2"}


def test_a_server_that_only_speaks_http1_is_a_502_that_says_so(model_servers, serve, client):
    [server] = model_servers(1)
    router = serve([], args=["--endpoint", f"h2c://{server.address}"])
    answer = client(router.port).chat()
    assert answer.status == 502
    assert "HTTP/1.1, not HTTP/2" in answer.json()["error"]["message"] or server.seen == []
