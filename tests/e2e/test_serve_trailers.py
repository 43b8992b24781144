"""Trailers through `pointsman serve`, in both directions and in each version of HTTP on either side."""

import json
import socket

import h2.config
import h2.connection
import h2.events
import pytest

from harness.h2_server import H2Server
from harness.openai import chat
from harness.raw import RawServer, exchange

BODY = json.dumps(chat()).encode()
FORBIDDEN = [("authorization", "Bearer x"), ("content-type", "text/plain"), ("x-request-id", "mine"),
             ("x-gateway-inference-objective", "high")]


class Http1Server(RawServer):
    """Answers a chunked request with a chunked answer that has trailers."""

    def __init__(self):
        self.got = b""
        super().__init__()

    def serve(self, link, head):
        if head.startswith((b"GET /metrics", b"GET /v1/models")):
            link.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return link.close()
        while b"\r\n0\r\n" not in head or not head.endswith(b"\r\n\r\n"):
            head += link.recv(65536)
        self.got = head
        link.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
                     b"2\r\n{}\r\n0\r\nx-served-in: 3ms\r\nset-cookie: a=b\r\nx-pointsman-decision: forged\r\n\r\n")

    def trailers(self) -> dict:
        lines = self.got.rpartition(b"\r\n0\r\n")[2].decode().split("\r\n")
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}


def http1_client(port: int) -> tuple[bytes, dict]:
    """Sends a chunked request with trailers; the answer's body and trailers."""
    trailers = "".join(f"{name}: {value}\r\n" for name, value in [("x-checksum", "abc"), ("content-length", "1"), *FORBIDDEN])
    answer = exchange(port, b"POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\nte: trailers\r\n"
                            b"connection: te, close\r\ntransfer-encoding: chunked\r\n\r\n"
                            + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n" + trailers.encode() + b"\r\n")
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"transfer-encoding: chunked" in head.lower(), answer
    body, _, tail = rest.partition(b"\r\n0\r\n")
    return body.partition(b"\r\n")[2], dict(line.split(": ", 1) for line in tail.decode().split("\r\n") if line)


def http2_client(port: int) -> tuple[bytes, dict]:
    link = socket.create_connection(("127.0.0.1", port))
    link.settimeout(10)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    connection.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":authority", "router"),
                                (":path", "/v1/chat/completions"), ("te", "trailers")])
    connection.send_data(1, BODY)
    connection.send_headers(1, [("x-checksum", "abc"), *FORBIDDEN], end_stream=True)
    link.sendall(connection.data_to_send())
    body, trailers = b"", {}
    while True:
        for event in connection.receive_data(link.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                assert dict(event.headers)[":status"] == "200"
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.TrailersReceived):
                trailers = dict(event.headers)
            elif isinstance(event, h2.events.StreamEnded):
                link.close()
                return body, trailers
        link.sendall(connection.data_to_send())


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def far_end(request, cleanup):
    """A model server, and what trailers it has got."""
    if request.param == "HTTP/1.1":
        server = Http1Server()
        cleanup(server.stop)
        return server, server.trailers
    server = H2Server()
    server.trailers = [("x-served-in", "3ms"), ("x-pointsman-decision", "forged")]
    cleanup(server.stop)
    return server, lambda: server.seen[-1].trailers


@pytest.mark.parametrize("client", [http1_client, http2_client])
def test_trailers_pass_both_ways(client, far_end, serve):
    server, trailers_seen = far_end
    router = serve([], args=["--endpoint", server.url])
    body, trailers = client(router.port)
    assert body in (b"{}", b'{"object":"h2"}')
    assert trailers == {"x-served-in": "3ms"}
    assert trailers_seen() == {"x-checksum": "abc"}


def test_trailers_are_bounded(far_end, serve):
    server, _ = far_end
    router = serve([], args=["--endpoint", server.url])
    start = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\ntransfer-encoding: chunked\r\n\r\n"
             + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n")
    for trailers in (b"x-a: " + b"a" * 9000 + b"\r\n", b"a: b\r\n" * 100, b"no colon\r\n"):
        answer = exchange(router.port, start + trailers + b"\r\n")
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")), answer[:100]
