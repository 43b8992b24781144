"""HTTP as `pointsman serve` speaks it: what passes, what is refused, and with which words."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from harness.openai import chat, completion
from harness.process import POINTSMAN, free_port
from harness.raw import RawServer, body_of, exchange
from harness.wait import until


# Requests that two servers could read differently (RFC 9112 section 11.2), and the status each gets. A second request
# that hides in the first must never reach a model server.
HIDDEN = b"GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"
SMUGGLED = {
    "length and chunked": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
                           b"0\r\n\r\n" + HIDDEN, 400),
    "chunked and length": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n"
                           b"0\r\n\r\n" + HIDDEN, 400),
    "two lengths": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 0\r\n\r\n" + HIDDEN, 400),
    "the same length twice": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n" + HIDDEN, 400),
    "a list of lengths": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0, 0\r\n\r\n" + HIDDEN, 400),
    "a length with a sign": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +0\r\n\r\n" + HIDDEN, 400),
    "a negative length": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n" + HIDDEN, 400),
    "a hexadecimal length": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0x0\r\n\r\n" + HIDDEN, 400),
    "a length beyond 64 bits": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 18446744073709551616\r\n\r\n" + HIDDEN, 400),
    "an empty length": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length:\r\n\r\n" + HIDDEN, 400),
    "space before the colon": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "tab before the colon": (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length\t: 0\r\n\r\n" + HIDDEN, 400),
    "a folded field": (b"POST / HTTP/1.1\r\nhost: x\r\nx: y\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "a field folded at once": (b"POST / HTTP/1.1\r\n host: x\r\n\r\n" + HIDDEN, 400),
    "another coding": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN, 501),
    "two codings": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 501),
    "chunked is not last": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN, 501),
    "two coding fields": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n"
                          b"\r\n0\r\n\r\n" + HIDDEN, 400),
    "a vertical tab in the coding": (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "chunked in HTTP/1.0": (b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "a bare line feed": (b"POST / HTTP/1.1\nhost: x\ncontent-length: 0\n\n" + HIDDEN, 400),
    "a bare carriage return": (b"POST / HTTP/1.1\r\nhost: x\r\nx: a\rcontent-length: 5\r\n\r\n" + HIDDEN, 400),
    "a NUL in a field": (b"POST / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n" + HIDDEN, 400),
    "a control in a name": (b"POST / HTTP/1.1\r\nhost: x\r\nx\x01y: a\r\n\r\n" + HIDDEN, 400),
    "a field without a name": (b"POST / HTTP/1.1\r\nhost: x\r\n: a\r\n\r\n" + HIDDEN, 400),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n" + HIDDEN, 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n" + HIDDEN, 400),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n" + HIDDEN, 400),
    "a target that is no path": (b"GET a HTTP/1.1\r\nhost: x\r\n\r\n" + HIDDEN, 400),
    "another version": (b"GET / HTTP/2.0\r\nhost: x\r\n\r\n" + HIDDEN, 505),
    "CONNECT": (b"CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n" + HIDDEN, 501),
}
CHUNKS = {
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a size that is no number": b"zz\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "more bytes than the size says": b"2\r\nabc\r\n0\r\n\r\n",
    "a size that ends with a bare line feed": b"3\nabc\r\n0\r\n\r\n",
    "data that end with a bare line feed": b"3\r\nabc\n0\r\n\r\n",
    "a control in an extension": b"3;a=\x01\r\nabc\r\n0\r\n\r\n",
    "an endless extension": b"3;" + b"a" * 10_000 + b"\r\nabc\r\n0\r\n\r\n",
    "endless trailers": b"0\r\n" + b"x: y\r\n" * 3000 + b"\r\n",
}


def test_requests_that_can_be_read_in_two_ways_are_refused(routed):
    r = routed(1)
    for name, (request, status) in SMUGGLED.items():
        answer = exchange(r.port, request)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (name, answer[:100])
        assert answer.count(b"HTTP/1.1 ") == 1, (name, answer)
        assert b"connection: close" in answer.lower(), name
        assert body_of(answer)["error"]["message"], name
    for name, body in CHUNKS.items():
        answer = exchange(r.port, b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + body + HIDDEN)
        assert answer.startswith(b"HTTP/1.1 400 "), (name, answer[:100])
        assert answer.count(b"HTTP/1.1 ") == 1, name
        assert body_of(answer)["error"]["code"] == "BadRequest", name
    assert r.server.seen == []
    assert r.client.chat().status == 200


def test_what_the_server_itself_refuses_is_json_too(routed):
    r = routed(1, args=["--max-body-bytes=1000"])
    large = r.client.request("POST", "/v1/completions", completion("x" * 2000))
    assert (large.status, large.json()["error"]["code"]) == (413, "RequestTooLarge")
    assert large.json()["error"]["type"] == "invalid_request_error"
    chunked = exchange(r.port, b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                          b"fff\r\n" + b"x" * 4095 + b"\r\n0\r\n\r\n")
    assert chunked.startswith(b"HTTP/1.1 413 ")
    assert body_of(chunked)["error"]["param"] is None


def test_bodies_in_memory_are_bounded(routed):
    r = routed(1, args=["--max-inflight-bytes=100Ki", "--workers=1"])
    body = json.dumps(completion("x" * 60_000)).encode()
    head = b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", r.port)) as slow:
        slow.sendall(head + body[:-1])
        until(lambda: r.router.admin.metric("pointsman_inflight_body_bytes") >= 60_000, "most of it is there")
        refused = exchange(r.port, head + body)
        assert refused.startswith(b"HTTP/1.1 503 "), refused[:100]
        assert b"Retry-After: 1\r\n" in refused
        assert body_of(refused)["error"]["type"] == "server_error"
        slow.sendall(body[-1:])
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")
    until(lambda: r.router.admin.metric("pointsman_inflight_body_bytes") == 0, "memory is given back")
    assert r.client.post("/v1/completions", body).status == 200


def test_connections_beyond_the_limit_wait(routed):
    r = routed(1, args=["--max-connections=2"])
    held = [socket.create_connection(("127.0.0.1", r.port)) for _ in range(2)]
    until(lambda: r.router.admin.metric("pointsman_wire_refusals_total", reason="connections") >= 1,
          "the router says that it is full")
    assert exchange(r.port, b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n", quiet=0.5) == b""
    held.pop().close()
    assert exchange(r.port, b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    held.pop().close()


def test_fields_of_one_connection_end_here(routed):
    r = routed(1)
    r.client.get("/x", {"connection": "keep-alive, x-mine", "x-mine": "1", "keep-alive": "timeout=5", "te": "trailers",
                        "proxy-connection": "keep-alive", "x-kept": "2", "x-forwarded-for": "192.0.2.7"})
    headers = r.server.seen[-1].headers
    assert not {"x-mine", "keep-alive", "proxy-connection", "transfer-encoding"} & set(headers)
    assert (headers["te"], headers["connection"]) == ("trailers", "TE")  # the router passes trailers itself
    assert headers["x-kept"] == "2"
    assert headers["x-forwarded-for"] == "192.0.2.7, 127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == f"127.0.0.1:{r.port}"
    assert headers["host"] == r.server.address


def test_targets_of_all_forms_pass(routed):
    r = routed(1)
    absolute = exchange(r.port, b"GET http://models.example/a?b=c HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n")
    assert absolute.startswith(b"HTTP/1.1 200 ")
    assert r.server.seen[-1].path == "/a?b=c"
    assert r.server.seen[-1].headers["x-forwarded-host"] == "models.example"
    assert exchange(r.port, b"OPTIONS /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert r.server.seen[-1].method == "OPTIONS"


def test_trace_is_refused_and_shows_nobody_the_key(routed, tmp_path):
    (tmp_path / "key").write_text("upstream-secret\n")
    r = routed(1, args=["--upstream-api-key-file", str(tmp_path / "key")])
    answer = exchange(r.port, b"TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n" in answer
    assert body_of(answer)["error"]["code"] == "method_not_allowed"
    assert r.server.seen == []


def test_a_body_that_is_encoded_is_refused_by_that_name(routed):
    r = routed(1)
    answer = r.client.request("POST", "/v1/completions", b"\x1f\x8b\x08 and so on",
                              {"content-type": "application/json", "content-encoding": "gzip"})
    assert answer.status == 415
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "unsupported_content_encoding")
    assert "Content-Encoding: gzip" in error["message"]


def test_pipelined_requests_are_answered_in_order(routed):
    r = routed(1)
    got = exchange(r.port, b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n"
                      b"GET /3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert got.count(b"HTTP/1.1 200 ") == 3
    assert [seen.path for seen in r.server.seen] == ["/1", "/2", "/3"]


def test_a_client_may_ask_first_whether_its_body_is_wanted(routed):
    r = routed(1)
    body = json.dumps(completion()).encode()
    with socket.create_connection(("127.0.0.1", r.port)) as link:
        link.settimeout(5)
        link.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body))
        assert link.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(body)
        assert link.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert "expect" not in r.server.seen[-1].headers
    assert exchange(r.port, b"POST / HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\ncontent-length: 1\r\n\r\n").startswith(b"HTTP/1.1 417 ")


def test_trailers_of_a_request_do_no_harm(routed):
    r = routed(1)
    body = json.dumps(completion()).encode()
    got = exchange(r.port, b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n"
                      b"connection: close\r\n\r\n%x;ext=1\r\n%s\r\n0\r\nx-sum: 1\r\ncontent-length: 5\r\n\r\n" % (len(body), body))
    assert got.startswith(b"HTTP/1.1 200 ")
    [seen] = r.server.seen
    assert seen.body == body
    assert "x-sum" not in seen.headers
    assert "content-length" not in seen.headers
    assert seen.headers["transfer-encoding"] == "chunked"


def test_a_client_that_goes_away_ends_the_request_upstream_within_100_ms(routed):
    r = routed(1)
    r.server.behave.delay = 30
    body = json.dumps(chat()).encode()
    slowest = 0.0
    for number in range(5):
        with socket.create_connection(("127.0.0.1", r.port)) as link:
            link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: len(r.server.seen) == number + 1, "the request is there")
        left = time.monotonic()
        until(lambda: r.server.seen[number].aborted, "the server sees the end of it")
        slowest = max(slowest, time.monotonic() - left)
    assert slowest < 0.1


# A protocol other than HTTP


class Echo(RawServer):
    """Goes on in its own protocol when asked: sends back every byte, after a greeting."""

    def __init__(self, accept=True):
        self.accept, self.heads = accept, []
        super().__init__()

    def serve(self, link, head):
        if b"upgrade: " not in head.lower() or not self.accept:
            link.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return link.close()
        self.heads.append(head)
        link.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                     b"sec-websocket-accept: yes\r\n\r\nhello ")
        while part := link.recv(65536):
            link.sendall(part)
        link.close()


UPGRADE = (b"GET /v1/realtime?model=m HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n"
           b"sec-websocket-key: k\r\n\r\n")


def test_a_websocket_passes_both_ways(serve, cleanup):
    echo = Echo()
    cleanup(echo.stop)
    router = serve([], args=["--endpoint", echo.url])
    with socket.create_connection(("127.0.0.1", router.port)) as link:
        link.settimeout(5)
        link.sendall(UPGRADE + b"early ")
        got = b""
        while not got.endswith(b"hello early "):
            got += link.recv(1000)
        assert got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"sec-websocket-accept: yes\r\n" in got
        data = bytes(range(256)) * 40_000  # more than any buffer holds
        sender = threading.Thread(target=lambda: (link.sendall(data), link.shutdown(socket.SHUT_WR)))
        sender.start()
        back = b""
        while part := link.recv(1 << 20):
            back += part
        sender.join()
        assert back == data
    assert b"Upgrade: websocket\r\n" in echo.heads[0] and b"Connection: Upgrade\r\n" in echo.heads[0]


def test_an_upgrade_to_another_version_of_http_is_an_ordinary_request(routed):
    """Requests in it would pass without keys and limits."""
    r = routed(1)
    answer = exchange(r.port, b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\n"
                      b"http2-settings: AAMAAABkAAQAAP__\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    [seen] = r.server.seen
    assert not {"upgrade", "http2-settings", "connection"} & set(seen.headers)


def test_an_upgrade_that_is_declined_is_an_ordinary_answer(serve, client, cleanup):
    echo = Echo(accept=False)
    cleanup(echo.stop)
    router = serve([], args=["--endpoint", echo.url])
    answer = client(router.port).get("/v1/realtime?model=m", {"connection": "keep-alive, Upgrade",
                                                              "upgrade": "websocket", "sec-websocket-key": "k"})
    assert answer.status == 404
    assert "upgrade" not in answer.headers


# Keys


def test_clients_need_a_key_when_there_are_keys(model_servers, serve, client, tmp_path):
    [server] = model_servers(1)
    keys, upstream = tmp_path / "keys", tmp_path / "upstream"
    keys.write_text("# team\nsk-1\nsk-2\n")
    upstream.write_text("server-key\n")
    server.behave.models = ["m"]
    router = serve([server], args=["--api-key-file", keys, "--upstream-api-key-file", upstream])
    link = client(router.port)
    for wrong in ({}, {"authorization": "Bearer sk-3"}, {"authorization": "Basic sk-1"}):
        answer = link.chat(headers=wrong)
        assert (answer.status, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert link.get("/v1/models", wrong).status == 401
    assert server.seen == []
    assert link.chat(headers={"authorization": "Bearer sk-2"}).status == 200
    assert server.seen[0].headers["authorization"] == "Bearer server-key"
    assert server.polls[0]["authorization"] == "Bearer server-key"
    keys.write_text("sk-9\n")
    until(lambda: link.chat(headers={"authorization": "Bearer sk-9"}).status == 200, "the new key is known")
    assert link.chat(headers={"authorization": "Bearer sk-2"}).status == 401
    assert "sk-" not in router.log() and "server-key" not in router.log()
    assert [json.loads(line)["clients"] for line in router.log().splitlines() if "keys taken over" in line] == [1]


def test_a_key_file_that_cannot_be_read_is_said(spawn, tmp_path):
    process = spawn([POINTSMAN, "serve", "--endpoint", "http://127.0.0.1:1", f"--port={free_port()}",
                     "--api-key-file", tmp_path / "nothing"], name="serve")
    assert process.wait_end() == 1
    assert "nothing: no such file" in process.output()


def test_private_pages_need_the_token_elsewhere(model_servers, serve, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own = probe.getsockname()[0]
    token = tmp_path / "token"
    token.write_text("secret\n")
    [server] = model_servers(1)
    router = serve([server], args=["--admin-host=0.0.0.0", "--admin-token-file", token])

    def status(path, **headers):
        try:
            request = urllib.request.Request(f"http://{own}:{router.admin.port}{path}", headers=headers)
            return urllib.request.urlopen(request, timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/metrics") == status("/readyz") == 200
    for page in ("/endpoints", "/decisions"):
        assert status(page) == 403
        assert status(page, Authorization="Bearer wrong") == 403
        assert status(page, Authorization="Bearer secret") == 200
        assert router.admin.get(page)[0] == 200
