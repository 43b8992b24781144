"""`pointsman serve`: the standalone router as its clients and its model servers see it."""

import json
import pathlib
import socket
import threading
import time

import pytest

from harness.ext_proc import DESTINATION
from harness.model_server import ModelServer
from harness.openai import Client, chat, completion, many_streams
from harness.pointsman import write_config, write_endpoints
from harness.process import POINTSMAN, accepts, free_port
from harness.raw import exchange
from harness.wait import until


# What works


def test_chat_is_answered_and_its_decision_can_be_looked_up(routed):
    r = routed()
    answer = r.client.chat("hi")
    assert answer.status == 200
    assert answer.json()["usage"]["completion_tokens"] == 3
    [request] = r.seen()
    assert request.json() == chat("hi")
    decision = answer.headers["x-pointsman-decision"]
    assert len(decision) == 16 and int(decision, 16) >= 0
    assert r.router.admin.json(f"/decisions/{decision}")["id"] == decision
    assert decision in json.dumps(r.router.admin.json("/decisions?limit=5"))


def test_every_decision_has_its_own_id(routed):
    r = routed(1)
    ids = {r.client.chat().headers["x-pointsman-decision"] for _ in range(50)}
    assert len(ids) == 50


def test_tokens_are_passed_on_as_they_come(routed):
    r = routed(1)
    r.server.behave.hold = True
    response = r.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert response.getheader("content-type").startswith("text/event-stream")
    assert b"t0" in response.readline()  # while the server still holds the second token back
    r.server.release()
    assert response.read().endswith(b"data: [DONE]\n\n")


def test_a_long_answer_and_a_long_prompt_arrive_unchanged(routed):
    r = routed(1)
    body = b'{"model" : "m", "seed":12345678901234567890, "prompt":"' + b"ab \\u00e9" * 60_000 + b'", "n":1,"n":1}'
    answer = r.client.post("/v1/completions", body)
    assert answer.status == 200
    assert r.seen()[0].body == body
    r.server.behave.tokens = 200_000
    assert r.client.chat().json()["choices"][0]["message"]["content"] == "tok " * 200_000


def test_a_chunked_request_body_arrives_whole(routed):
    r = routed(1)
    body = json.dumps(completion("x" * 100_000)).encode()
    parts = [body[at:at + 7001] for at in range(0, len(body), 7001)]
    assert r.client.request("POST", "/v1/completions", iter(parts)).status == 200
    assert r.seen()[0].body == body


@pytest.mark.parametrize("method, path, body", [("GET", "/v1/models", None), ("POST", "/tokenize", b"\x00 not JSON"),
                                                ("POST", "/v1/embeddings", {"model": "m", "input": "x"}),
                                                ("DELETE", "/some/thing?with=query&x=%20", None)])
def test_everything_else_passes_through(routed, method, path, body):
    r = routed()
    assert r.client.request(method, path, body).status == 200
    [request] = r.seen()
    assert (request.method, request.path) == (method, path)
    assert request.body == (json.dumps(body).encode() if isinstance(body, dict) else body or b"")


def test_an_answer_to_head_has_no_body(routed):
    r = routed(1)
    assert r.client.request("HEAD", "/v1/x").body == b""
    assert r.client.get("/v1/models").status == 200  # the connection is still in step


def test_the_less_loaded_server_is_picked(routed):
    r = routed()
    r.server.behave.load = {"running": 30, "waiting": 20, "kv": 0.9}
    r.router.admin.wait_scraped(r.servers)
    for number in range(10):
        assert r.client.chat(f"request {number}").status == 200
    assert [len(server.seen) for server in r.servers] == [0, 10]


def test_the_same_long_prompt_goes_to_the_same_server_whatever_the_worker(routed):
    r = routed(4, args=["--workers=2"])
    prompt = "once upon a time " * 400
    for _ in range(8):
        connection = Client(r.port)  # a new connection, so that workers take turns
        assert connection.chat(prompt).status == 200
        connection.close()
    assert sorted(len(server.seen) for server in r.servers) == [0, 0, 0, 8]


def test_an_error_of_the_model_server_passes_unchanged(routed):
    r = routed(1)
    r.server.behave.status = 503
    answer = r.client.chat()
    assert (answer.status, answer.json()["error"]["message"]) == (503, "told to fail")


def test_headers_of_both_sides_pass_and_the_routers_own_do_not(routed):
    r = routed(1)
    forged = {DESTINATION: "127.0.0.1:1", "x-pointsman-decision": "0" * 16}
    answer = r.client.chat(headers={"authorization": "Bearer t", "x-user-data": "kept", **forged})
    headers = r.seen()[0].headers
    assert headers["authorization"] == "Bearer t"
    assert headers["x-user-data"] == "kept"
    assert DESTINATION not in headers
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-pointsman-decision"] != "0" * 16


@pytest.mark.parametrize("stream", [False, True])
def test_a_rewritten_model_has_the_clients_name_in_the_answer(routed, stream):
    r = routed(1)
    r.server.model = "much-longer-name-of-the-adapter"
    answer = r.client.chat("hi", stream=stream, headers={"x-llm-d-model-name-rewrite": r.server.model})
    assert r.seen()[0].json()["model"] == r.server.model
    assert "x-llm-d-model-name-rewrite" not in r.seen()[0].headers
    assert r.server.model not in answer.body.decode()
    assert b'"model": "m"' in answer.body
    if not stream:
        assert answer.json()["usage"]["completion_tokens"] == 3
    assert r.client.get("/v1/models").status == 200  # the connection is still in step


# Connections


def test_connections_are_kept_on_both_sides(routed):
    r = routed(1)
    for _ in range(20):
        assert r.client.chat().status == 200
    # http.client opens a new connection only when the old one was closed on it.
    assert r.client.connection.sock is not None
    links = pathlib.Path(f"/proc/{r.router.pid}/net/tcp").read_text().splitlines()[1:]
    to_server = [line for line in links if line.split()[2] == f"0100007F:{r.server.port:04X}"
                 and line.split()[3] == "01"]
    assert len(to_server) <= 3  # one for requests, one for scrapes, one to spare


def test_a_stale_pooled_connection_is_not_the_clients_problem(routed):
    r = routed(1)
    assert r.client.chat().status == 200
    port = r.server.port
    r.server.stop()
    reborn = ModelServer(port=port)
    try:
        assert r.client.chat().status == 200
        assert len(reborn.seen) == 1
    finally:
        reborn.stop()


def test_a_server_that_refuses_connections_is_passed_over(model_servers, serve, client):
    [alive] = model_servers(1)
    dead = f"http://127.0.0.1:{free_port()}"
    router = serve([], args=["--endpoint", dead, "--endpoint", alive.url])
    router.admin.wait_scraped([alive])
    connection = client(router.port)
    for number in range(20):
        assert connection.chat(f"request {number}").status == 200
    assert len(alive.seen) == 20


def test_all_servers_dead_is_a_clear_502_or_503(serve, client):
    router = serve([], args=["--endpoint", f"http://127.0.0.1:{free_port()}"])
    answer = client(router.port).chat()
    assert answer.status in (502, 503)
    assert answer.json()["error"]["message"]


def test_a_client_that_goes_away_cancels_the_request_upstream(routed):
    r = routed(1)
    r.server.behave.hold = True
    response = r.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    response.close()
    r.client.close()
    until(lambda: r.server.seen[0].aborted, "the model server sees the end of it")
    until(lambda: r.router.admin.metric("llm_d_epp_request_running") == 0, "no request runs")


def test_a_broken_stream_is_seen_as_broken_and_leaves_nothing_behind(routed):
    r = routed(1)
    r.server.behave.cut_after = 2
    assert many_streams(r.port, 1).complete == 0
    r.server.behave.cut_after = None
    assert many_streams(r.port, 1).complete == 1
    until(lambda: r.router.admin.metric("llm_d_epp_request_running") == 0, "no request runs")


def test_a_client_that_does_not_read_stops_the_server_and_not_the_router(routed):
    r = routed(1)
    r.server.behave.tokens = 4000
    r.server.behave.padding = 50_000  # 200 MB if all of it were taken in
    body = json.dumps(chat(stream=True)).encode()
    with socket.create_connection(("127.0.0.1", r.port)) as slow:
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                     b"content-length: %d\r\n\r\n%s" % (len(body), body))
        slow.recv(1000)

        def rss_mib():
            status = pathlib.Path(f"/proc/{r.router.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024

        # Other clients are served meanwhile, and memory stays where it was.
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert r.client.get("/v1/models").status == 200
        assert rss_mib() < 150
        assert not r.server.seen[0].finished


def test_2048_concurrent_streams_complete(routed):
    r = routed(2)
    for server in r.servers:
        server.behave.tokens = 4
        server.behave.gap = 1.0
    result = many_streams(r.port, 2048)
    assert (result.complete, result.failures[:3]) == (2048, [])
    until(lambda: r.router.admin.metric("llm_d_epp_request_running") == 0, "no request runs")


# Refusals


def test_bad_json_is_400_with_a_reason(routed):
    r = routed(1)
    answer = r.client.post("/v1/chat/completions", b'{"model":"m", "messages":[}')
    assert answer.status == 400
    assert b"error unmarshaling request bodyMap" in answer.body
    assert r.seen() == []
    assert r.client.chat().status == 200  # the connection survives


def test_no_endpoint_is_503(serve, client, tmp_path):
    write_endpoints(tmp_path / "endpoints.yaml", [])
    router = serve([], args=["--endpoints-file", tmp_path / "endpoints.yaml"], wait=False)
    router.process.wait_ready(lambda: accepts(router.port), "serve listens")
    assert client(router.port).chat().status == 503


def test_too_large_a_header_is_431(routed):
    r = routed(1)
    answer = r.client.get("/v1/models", {"x-big": "x" * 200_000})
    assert answer.status == 431


@pytest.mark.parametrize("head", [
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
    b"NONSENSE\r\n\r\n",
])
def test_ambiguous_or_broken_http_is_400_and_closed(routed, head):
    r = routed(1)
    answer = exchange(r.port, head)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:100]
    assert answer.count(b"HTTP/1.1") == 1
    assert r.seen() == []


def test_a_body_beyond_the_limit_is_413(routed):
    r = routed(1)
    answer = exchange(r.port, b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413"), answer[:100]


# Endpoints


def test_endpoints_follow_the_file(serve, model_servers, client, tmp_path):
    first, second = model_servers(2)
    path = tmp_path / "endpoints.yaml"
    write_endpoints(path, [first])
    router = serve([], args=["--endpoints-file", path])
    router.admin.wait_scraped([first])
    connection = client(router.port)
    assert connection.chat().status == 200
    write_endpoints(path, [second])
    until(lambda: second.scrapes > 1, "the new endpoint is scraped")

    def goes_to_second():
        assert connection.chat().status == 200
        return second.seen

    until(goes_to_second, "requests go to the new endpoint")
    before = len(first.seen)
    assert connection.chat().status == 200
    assert len(first.seen) == before


def test_a_configuration_with_file_discovery_works_too(serve, model_servers, client, tmp_path):
    [server] = model_servers(1)
    write_endpoints(tmp_path / "endpoints.yaml", [server])
    config = write_config(tmp_path / "config.yaml", tmp_path / "endpoints.yaml")
    router = serve([], args=["--config-file", config])
    assert client(router.port).chat().status == 200


def test_ways_to_name_endpoints_exclude_each_other(spawn, tmp_path):
    write_endpoints(tmp_path / "endpoints.yaml", [])
    process = spawn([POINTSMAN, "serve", "--endpoint", "http://127.0.0.1:1", "--endpoints-file",
                     tmp_path / "endpoints.yaml", f"--port={free_port()}"], name="serve")
    assert process.wait_end() != 0
    assert "--endpoint" in process.output() and "--endpoints-file" in process.output()


def test_a_host_name_is_an_endpoint(serve, model_servers, client):
    [server] = model_servers(1)
    router = serve([], args=["--endpoint", f"http://localhost:{server.port}"])
    assert client(router.port).chat().status == 200


# Signals


def test_bad_metrics_of_one_server_disturb_nobody(model_servers, serve, client):
    servers = model_servers(3)
    servers[0].behave.metrics = "vllm:num_requests_waiting garbage\n\x00\xff{{{\n" * 1000
    servers[1].behave.metrics = ""  # answers 500
    router = serve(servers)
    router.admin.wait_scraped(servers[2:])
    for number in range(12):
        assert client(router.port).chat(f"request {number}").status == 200
    assert len(servers[2].seen) == 12  # the only one that is known to be idle


def test_admin_shows_endpoints_and_their_signals(routed):
    r = routed(2)
    r.servers[1].behave.load = {"running": 3, "waiting": 7, "kv": 0.25}
    r.router.admin.wait_scraped(r.servers)
    page = json.dumps(r.router.admin.json("/endpoints"))
    for server in r.servers:
        assert server.address in page
    assert "0.25" in page


def test_a_stop_lets_the_open_stream_finish(routed):
    r = routed(1)
    r.server.behave.hold = True
    response = r.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    ended = threading.Thread(target=r.router.process.stop, kwargs={"grace": 60})
    ended.start()
    until(lambda: not r.router.admin.ready(), "not ready any more")
    r.server.release()
    assert response.read().endswith(b"data: [DONE]\n\n")
    r.client.close()  # the router would wait for that before it ends
    ended.join(60)
    assert r.router.process.child.returncode == 0
