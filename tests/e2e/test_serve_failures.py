"""`pointsman serve` before model servers that fail: retries, ejection, time-outs, several models."""

import http.client
import itertools
import json
import socket
import time

import pytest

from harness.openai import Client, chat
from harness.pointsman import write_config, write_endpoints
from harness.process import POINTSMAN, free_port
from harness.raw import RawServer
from harness.wait import until


class Breaker(RawServer):
    """A model server that does to each connection what the test says: 'reset' after the request, 'hang', or an
    answer as raw bytes; then it closes, as it has said."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = 0
        self.held = []
        super().__init__()

    def serve(self, link, head):
        if head.startswith((b"GET /metrics", b"GET /v1/models")):
            link.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return link.close()
        self.requests += 1
        if self.answer == "hang":
            self.held.append(link)
        elif self.answer == "reset":
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            link.close()
        else:
            link.sendall(self.answer.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
            link.close()

    def stop(self):
        super().stop()
        for link in self.held:
            link.close()


@pytest.fixture
def breaker(cleanup):
    def start(answer):
        made = Breaker(answer)
        cleanup(made.stop)
        return made

    return start


FAILING = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy"


NUMBERS = itertools.count()


def chats(port, count):
    """Answers to chats that all differ, so that no server holds the beginning of one, each on its own connection."""
    answers = []
    for _ in range(count):
        client = Client(port)
        answers.append(client.chat(f"{next(NUMBERS)} begins this request"))
        client.close()
    return answers


def trouble(router, port):
    for endpoint in router.admin.json("/endpoints")["endpoints"]:
        if endpoint["address"].endswith(f":{port}"):
            return endpoint.get("trouble")
    raise AssertionError(f"no endpoint on port {port}")


def test_a_refused_connection_is_retried_and_the_decision_says_so(model_servers, serve):
    [alive] = model_servers(1)
    alive.behave.metrics = ""  # neither has figures, so that chance decides
    dead = free_port()
    router = serve([], args=["--workers=1", "--endpoint", f"http://127.0.0.1:{dead}", "--endpoint", alive.url,
                             "--eject-after=0"])
    answers = chats(router.port, 12)  # the budget is ten to begin with
    assert {a.status for a in answers} == {200}
    retried = router.admin.metric("pointsman_retries_total", reason="connect")
    assert retried == router.admin.metric("pointsman_upstream_failures_total", reason="connect")
    assert retried > 0
    outcomes = [router.admin.json("/decisions/" + a.headers["x-pointsman-decision"])["outcome"] for a in answers]
    assert sum(o["attempts"] > 1 for o in outcomes) == retried
    assert all(o["served_by"] == alive.address for o in outcomes if o["attempts"] > 1)


def test_nothing_is_retried_when_told_so(serve, client):
    router = serve([], args=["--endpoint", f"http://127.0.0.1:{free_port()}", "--endpoint",
                             f"http://127.0.0.1:{free_port()}", "--retries=0", "--eject-after=0"])
    answer = client(router.port).chat()
    assert answer.status == 502
    assert answer.json()["error"]["type"] == "server_error"
    assert router.admin.metric("pointsman_upstream_failures_total") == 1
    assert router.admin.metric("pointsman_retries_total") == 0


def test_retries_stay_within_their_budget(serve):
    router = serve([], args=["--workers=1", "--eject-after=0", "--endpoint", f"http://127.0.0.1:{free_port()}",
                             "--endpoint", f"http://127.0.0.1:{free_port()}"])
    answers = chats(router.port, 60)
    assert {a.status for a in answers} == {502}
    # Ten to begin with, and a tenth of what has come.
    assert router.admin.metric("pointsman_retries_total", reason="connect") <= 10 + 6
    assert router.admin.metric("pointsman_retries_total", reason="no_budget") > 0


def test_a_request_that_reached_a_server_is_not_sent_twice(breaker, serve, client):
    first, second = breaker("reset"), breaker("reset")
    router = serve([], args=["--endpoint", first.url, "--endpoint", second.url, "--eject-after=0"])
    answer = client(router.port).chat()
    assert answer.status == 502
    assert first.requests + second.requests == 1


@pytest.mark.parametrize("retry_on, sent", [("503", 2), ("504", 1)])
def test_statuses_are_retried_only_when_asked_for(breaker, serve, client, retry_on, sent):
    first, second = breaker(FAILING), breaker(FAILING)
    router = serve([], args=["--endpoint", first.url, "--endpoint", second.url, "--eject-after=0",
                             f"--retry-on={retry_on}"])
    answer = client(router.port).chat()
    assert (answer.status, answer.body) == (503, b"busy")
    assert first.requests + second.requests == sent


def test_a_slow_first_byte_is_a_504_and_retried_only_when_asked_for(breaker, serve, client):
    first, second = breaker("hang"), breaker("hang")
    both = ["--endpoint", first.url, "--endpoint", second.url, "--eject-after=0", "--first-byte-timeout=200ms"]
    router = serve([], args=both)
    answer = client(router.port).chat()
    assert answer.status == 504
    assert answer.json()["error"]["code"] == "Timeout"
    assert first.requests + second.requests == 1
    router = serve([], args=[*both, "--retry-on=timeout,503"], name="serve2")
    assert client(router.port).chat().status == 504
    assert first.requests + second.requests == 3


def test_an_answer_that_stops_is_cut_off_after_the_idle_timeout(model_servers, serve, client):
    [server] = model_servers(1)
    server.behave.hold = True
    router = serve([server], args=["--idle-timeout=300ms"])
    response = client(router.port).start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    began = time.monotonic()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    assert time.monotonic() - began < 5
    server.release()


def test_the_counts_follow_the_endpoint_that_serves(model_servers, serve, client, tmp_path):
    """In-flight requests are charged to who serves, not to who was picked first and was dead."""
    [alive] = model_servers(1)
    dead = free_port()
    config = write_config(tmp_path / "c.yaml", plugins=[
        {"type": "inflight-load-producer"}, {"type": "active-request-scorer"}, {"type": "max-score-picker"}],
        profiles=[{"name": "default", "plugins": [{"pluginRef": "active-request-scorer"},
                                                  {"pluginRef": "max-score-picker"}]}])
    router = serve([], args=["--workers=1", "--config-file", config, "--eject-after=0",
                             "--endpoint", f"http://127.0.0.1:{dead}", "--endpoint", alive.url])
    alive.behave.hold = True
    open_ones = []
    for number in range(6):
        link = client(router.port)
        response = link.start("POST", "/v1/chat/completions", chat(f"request {number}", stream=True))
        assert b"t0" in response.readline()
        open_ones.append(response)

    def inflight(port):
        return sum(float(line.rpartition(" ")[2]) for line in router.admin.get("/metrics")[1].splitlines()
                   if line.startswith("llm_d_epp_inflight_requests{") and f"{port}" in line)

    assert router.admin.metric("pointsman_retries_total", reason="connect") > 0
    assert inflight(alive.port) == 6
    assert inflight(dead) == 0
    alive.release()
    for response in open_ones:
        assert response.read().endswith(b"data: [DONE]\n\n")
    until(lambda: inflight(alive.port) == 0, "nothing is in flight")


# Ejection


def test_a_server_that_fails_in_a_row_is_left_out_and_returns(breaker, model_servers, serve, client):
    [alive] = model_servers(1)
    alive.behave.metrics = ""  # neither has figures, so that chance decides
    bad = breaker(FAILING)
    router = serve([], args=["--workers=1", "--endpoint", bad.url, "--endpoint", alive.url, "--eject-after=3",
                             "--eject-for=1s"])
    statuses = [a.status for a in chats(router.port, 40)]
    assert statuses.count(503) == 3
    assert bad.requests == 3
    seen = trouble(router, bad.port)
    assert seen["ejected"] and seen["ejections"] == 1 and seen["failures"] == 3
    assert trouble(router, alive.port) is None
    assert router.admin.metric("pointsman_endpoint_ejections_total") == 1
    assert router.admin.metric("pointsman_endpoint_ejected") == 1
    decision = client(router.port).chat("and why").headers["x-pointsman-decision"]
    assert "ejected after failures" in json.dumps(router.admin.json(f"/decisions/{decision}"))

    # It gets a request when its time is over; one more failure is enough, and takes longer.
    until(lambda: not trouble(router, bad.port)["ejected"], "its time is over")
    until(lambda: chats(router.port, 1) and bad.requests == 4, "it is tried again")
    assert trouble(router, bad.port)["ejections"] == 2
    assert trouble(router, bad.port)["returns_in_ms"] > 1000
    bad.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    until(lambda: chats(router.port, 1) and bad.requests >= 5, "it is tried again, and well")
    until(lambda: trouble(router, bad.port) is None, "all is forgotten")


class OncePerConnection(RawServer):
    """A model server that answers the first request of each connection, says that it keeps it, and closes it when the
    next one comes."""

    def __init__(self):
        self.connections, self.unanswered = 0, 0
        super().__init__()

    def serve(self, link, head):
        body = b"{}"
        if head.startswith(b"GET"):
            link.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return link.close()
        self.connections += 1
        link.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        while part := link.recv(65536):
            if b"POST" in part:
                self.unanswered += 1
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return link.close()


def test_a_lone_server_that_closes_a_kept_connection_is_asked_again_on_another(cleanup, serve):
    server = OncePerConnection()
    cleanup(server.stop)
    router = serve([], args=["--workers=1", "--endpoint", server.url, "--max-requests-per-endpoint=1"])
    assert [a.status for a in chats(router.port, 6)] == [200] * 6
    assert (server.connections, server.unanswered) == (6, 5)
    assert router.admin.metric("pointsman_retries_total", reason="stale") == 5
    unwilling = serve([], args=["--workers=1", "--endpoint", server.url, "--retries=0"], name="unwilling")
    assert [a.status for a in chats(unwilling.port, 2)] == [200, 502]


def test_the_last_server_is_never_left_out(breaker, serve):
    bad = breaker(FAILING)
    router = serve([], args=["--endpoint", bad.url, "--eject-after=2"])
    assert {a.status for a in chats(router.port, 10)} == {503}
    assert bad.requests == 10


def test_the_log_tells_of_failures_of_a_server_and_of_its_return(breaker, serve):
    server = breaker(FAILING)
    router = serve([], args=["--workers=1", "--endpoint", server.url, "--eject-after=2", "--eject-for=50ms"])
    assert {a.status for a in chats(router.port, 2)} == {503}
    lines = [json.loads(line) for line in router.log().splitlines() if '"logger":"router.upstream"' in line]
    assert [line["msg"] for line in lines] == ["a request failed at an endpoint"] * 2 + ["an endpoint is left out after failures"]
    assert {line["endpoint"] for line in lines} == {f"default/127.0.0.1:{server.port}"}
    assert {(line["reason"], line["error"]) for line in lines} == {("5xx", "status 503")}
    assert lines[2]["for"] == 0.05
    server.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    until(lambda: chats(router.port, 1)[0].status == 200 and "an endpoint that was left out answers again" in router.log(),
          "the server is back")


def test_certificates_that_cannot_be_read_end_the_start(spawn, tmp_path):
    """Though no server that speaks https is there yet."""
    process = spawn([POINTSMAN, "serve", "--endpoint", "http://127.0.0.1:1", f"--port={free_port()}",
                     f"--metrics-port={free_port()}", "--upstream-ca-file", tmp_path / "nothing.pem"], name="serve")
    assert process.wait_end() == 1
    last = json.loads(process.output().splitlines()[-1])
    assert last["msg"] == "cannot read certificates (--upstream-ca-file)"
    assert str(tmp_path / "nothing.pem") in last["error"]


def test_an_answer_passes_when_nobody_else_is_there(breaker, serve):
    busy = breaker(FAILING)
    router = serve([], args=["--workers=1", "--endpoint", busy.url, "--retry-on=503", "--eject-after=0"])
    answers = chats(router.port, 6)
    assert {(a.status, a.body) for a in answers} == {(503, b"busy")}
    assert busy.requests == 6
    assert router.admin.metric("pointsman_retries_total") == 0


def test_a_server_with_as_many_requests_as_it_may_have_is_left_out(model_servers, serve, client):
    servers = model_servers(2)
    for server in servers:
        server.behave.metrics, server.behave.hold = "", True
    router = serve([], args=["--max-requests-per-endpoint=2", *(word for s in servers for word in ("--endpoint", s.url))])
    held = []
    for number in range(4):
        response = client(router.port).start("POST", "/v1/chat/completions", chat(f"request {number}", stream=True))
        assert b"t0" in response.readline()
        held.append(response)
    assert [len(server.seen) for server in servers] == [2, 2]
    answer = client(router.port).chat("one too many")
    assert (answer.status, answer.json()["error"]["code"]) == (503, "rejected-endpoint-limit")
    assert answer.headers["retry-after"] == "1"
    assert router.admin.metric("pointsman_upstream_failures_total", reason="limit") == 2
    assert [len(server.seen) for server in servers] == [2, 2]
    servers[0].release()
    until(lambda: router.admin.metric("llm_d_epp_request_running") == 2, "the first server's requests have ended")
    answers = [client(router.port).chat(f"again {number}") for number in range(5)]
    assert {a.status for a in answers} == {200}
    assert len(servers[0].seen) == 7
    decision = router.admin.get("/decisions/" + answers[0].headers["x-pointsman-decision"])[1]
    assert "at its limit of requests" in decision
    servers[1].release()


# Several models


def mixed(model_servers, serve, **options):
    servers = model_servers(3)
    for server, models in zip(servers, (["a"], ["b"], ["b", "c"])):
        server.behave.models = models
    router = serve(servers, **options)
    until(lambda: sum("models" in e for e in router.admin.json("/endpoints")["endpoints"]) == 3, "all have told")
    return servers, router


def test_a_request_goes_only_to_servers_of_its_model(model_servers, serve, client):
    servers, router = mixed(model_servers, serve)
    link = client(router.port)
    for number in range(10):
        for model in "abc":
            assert link.post("/v1/chat/completions", chat(f"{model} {number}", model=model)).status == 200
    asked = [{request.json()["model"] for request in server.seen} for server in servers]
    assert asked[0] == {"a"}
    assert asked[1] <= {"b"}
    assert asked[2] >= {"c"} and asked[2] <= {"b", "c"}
    assert sum(len(server.seen) for server in servers) == 30


@pytest.mark.parametrize("path", ["/v1/rerank", "/v1/score", "/tokenize", "/pooling", "/classify", "/generate"])
def test_requests_of_other_apis_go_to_servers_of_their_model_too(model_servers, serve, client, path):
    """But whether it exists, or means a model at all, is the servers' to say."""
    servers, router = mixed(model_servers, serve)
    link = client(router.port)
    for number in range(6):
        assert link.post(path, {"query": str(number), "model": "a"}).status == 200
    assert [len(server.seen) for server in servers] == [6, 0, 0]
    for number in range(6):
        assert link.post(path, {"query": str(number), "model": "gpt-9"}).status == 200
    assert sum(len(server.seen) for server in servers) == 12


def test_an_unknown_model_is_openais_404(model_servers, serve, client):
    servers, router = mixed(model_servers, serve)
    answer = client(router.port).post("/v1/chat/completions", chat(model="gpt-9"))
    assert answer.status == 404
    assert answer.json()["error"] == {"message": "The model `gpt-9` does not exist", "type": "invalid_request_error",
                                      "param": "model", "code": "model_not_found"}
    assert [len(server.seen) for server in servers] == [0, 0, 0]


def test_a_model_that_only_a_dead_server_may_have_is_a_503(model_servers, serve, client):
    """Nobody knows whether the model exists: no 404, and it is worth another try, unlike a 502."""
    [alive] = model_servers(1)
    alive.behave.models = ["a"]
    router = serve([], args=["--endpoint", f"http://127.0.0.1:{free_port()}", "--endpoint", alive.url])
    until(lambda: sum("models" in e for e in router.admin.json("/endpoints")["endpoints"]) == 1, "one has told")
    answer = client(router.port).post("/v1/chat/completions", chat(model="gpt-9"))
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    message = answer.json()["error"]["message"]
    assert message.startswith("no model server is known to serve the model `gpt-9`, and model server ")
    assert alive.seen == []


def test_the_routers_list_of_models_is_that_of_all(model_servers, serve, client):
    servers, router = mixed(model_servers, serve)
    link = client(router.port)
    assert [m["id"] for m in link.get("/v1/models").json()["data"]] == ["a", "b", "c"]
    assert link.get("/v1/models/c").json()["id"] == "c"
    assert link.get("/v1/models/d").json()["error"]["code"] == "model_not_found"
    assert [len(server.seen) for server in servers] == [0, 0, 0]


def test_a_model_that_a_server_begins_to_serve_is_noticed(model_servers, serve, client):
    servers, router = mixed(model_servers, serve)
    servers[0].behave.models = ["a", "new"]
    link = client(router.port)
    until(lambda: link.post("/v1/chat/completions", chat(model="new")).status == 200, "it is known", timeout=20)
    assert servers[0].seen[-1].json()["model"] == "new"


def test_labels_tell_models_too(model_servers, serve, client, tmp_path):
    servers = model_servers(2)
    write_endpoints(tmp_path / "e.yaml", servers, labels=[{"model": "a"}, {"models": "b,c"}])
    router = serve([], args=["--endpoints-file", tmp_path / "e.yaml"])
    link = client(router.port)
    for model in "abc":
        assert link.post("/v1/chat/completions", chat(model=model)).status == 200
    assert [[r.json()["model"] for r in s.seen] for s in servers] == [["a"], ["b", "c"]]
    assert [len(server.polls) for server in servers] == [0, 0]


def test_model_routing_can_be_turned_off(model_servers, serve, client):
    [server] = model_servers(1)
    server.behave.models = ["a"]
    router = serve([server], args=["--model-routing=false"])
    link = client(router.port)
    assert link.post("/v1/chat/completions", chat(model="anything")).status == 200
    assert link.get("/v1/models").status == 200
    assert server.polls == []
