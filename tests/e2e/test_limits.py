"""Limits at the ports of a running router: the peer is told, the metric counts it, and others go on being served."""

import socket

import grpc
import pytest

from harness.pointsman import EXT_PROC
from harness.raw import exchange
from harness.wait import until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field in HPACK that needs no table; lengths from 127 on are continued."""
    def text(word: bytes) -> bytes:
        if len(word) < 127:
            return bytes([len(word)]) + word
        rest, out = len(word) - 127, b"\x7f"
        while rest >= 128:
            out, rest = out + bytes([rest % 128 + 128]), rest // 128
        return out + bytes([rest]) + word
    return b"\x00" + text(name) + text(value)


HEAD = b"".join(literal(*field) for field in ((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/x"),
                                              (b":authority", b"t"), (b"content-type", b"application/grpc")))
LONG = literal(b"x", b"v" * 10_000)


def say(port: int, *pieces: bytes) -> bytes:
    return exchange(port, *pieces, quiet=10, must_close=True)


def refused(router, reason: str) -> None:
    until(lambda: router.admin.metric("pointsman_wire_refusals_total", reason=reason) >= 1, f"{reason} is counted")


@pytest.mark.parametrize("request_bytes, status, reason", [
    (b"GET /" + b"x" * 70_000, b"431", "http1_head_size"),
    (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 300 + b"\r\n", b"431", "http1_head_size"),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 70000000\r\n\r\n", b"413", "http1_body_size"),
    (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400", "http1_malformed"),
])
def test_serve_refuses_and_counts(serve, model_servers, client, request_bytes, status, reason):
    servers = model_servers(1)
    router = serve(servers)
    assert say(router.port, request_bytes).startswith(b"HTTP/1.1 " + status)
    refused(router, reason)
    assert client(router.port).chat("hello").status == 200
    assert len([request for request in servers[0].seen if request.method == "POST"]) == 1


@pytest.mark.parametrize("pieces, reason", [
    ([frame(6, 0, 0, bytes(8))] * 6000, "http2_flood"),
    ([frame(4, 0, 0)] * 6000, "http2_flood"),
    ([frame(1, 4, 2 * i + 1, HEAD) + frame(3, 0, 2 * i + 1, bytes([0, 0, 0, 8])) for i in range(5000)], "http2_flood"),
    ([frame(1, 0, 1, HEAD)] + [frame(9, 0, 1)] * 5000, "http2_flood"),
    ([frame(1, 1, 1, HEAD), *[frame(9, 0, 1, LONG)] * 6, frame(9, 4, 1, LONG), frame(6, 0, 0, b"x")], "http2_header_size"),
    ([frame(1, 4, 1, HEAD + literal(b"x", b"v" * 70_000))], "http2_protocol"),  # HPACK has a limit for one text
    ([frame(0, 0, 0, b"data on no stream")], "http2_protocol"),
    ([frame(1, 5, 5, HEAD), frame(1, 5, 3, HEAD)], "http2_protocol"),
])
def test_epp_refuses_and_counts(epp, pieces, reason):
    router = epp([])
    back = say(router.port, PREFACE + frame(4, 0, 0), *pieces)
    assert b"\x07\x00\x00\x00\x00\x00" in back  # a GOAWAY frame
    if reason == "http2_flood":
        assert back[-4:] == bytes([0, 0, 0, 0xB])  # ENHANCE_YOUR_CALM
    refused(router, reason)
    assert router.health(port=router.port) == "SERVING"


def test_a_grpc_message_over_the_limit_is_counted(epp):
    router = epp([])
    with grpc.insecure_channel(f"127.0.0.1:{router.port}") as channel:
        call = channel.stream_stream(f"/{EXT_PROC}/Process")(iter([bytes(5 << 20)]), timeout=10)
        with pytest.raises(grpc.RpcError) as error:
            next(call)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    refused(router, "grpc_message_size")


def test_bodies_in_memory_are_bounded_over_all_transactions(epp, transaction):
    router = epp([], args=["--max-inflight-bytes=100Ki"])

    def held() -> float:
        return router.admin.metric("pointsman_inflight_body_bytes")

    first, second = transaction(router.port), transaction(router.port)
    for stream in (first, second):
        stream.request_headers()
    first.request_body(b"x" * 60_000, end=False)
    until(lambda: held() == 60_000, "the first body is there")
    second.request_body(b"x" * 60_000, end=False)
    refusal = second.rejected()
    assert refusal.status.code == 503
    assert refusal.body == b"inference error: ServiceUnavailable - too many request bodies in memory at once"
    assert held() == 60_000
    first.cancel()
    until(lambda: held() == 0, "memory is given back")


def test_a_peer_that_never_speaks_is_sent_away(epp):
    router = epp([])
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as silent:
        assert silent.recv(1) == b""
    refused(router, "grpc_timeout")


def resident_mib(router) -> float:
    return router.admin.metric("process_resident_memory_bytes") / 2**20


def test_giant_names_leave_nothing_behind(epp, serve, model_servers, client, transaction):
    """What a client makes up is in no series for good, nor in decisions, nor in memory."""
    servers = model_servers(1)
    router = serve(servers)
    link = client(router.port)
    assert link.chat("hello").status == 200
    before = resident_mib(router)
    for i in range(20):
        answer = link.chat("hello", model=f"{i}-" + "g" * 2_000_000)
        assert answer.status == 200
    link.chat("hello", headers={"x-llm-d-inference-fairness-id": "f" * 16_000})
    page = router.admin.get("/metrics")[1]
    assert len(page) < 200_000 and "ggg" not in page and "fff" not in page
    assert 'model_name="other"' in page and 'fairness_id="other"' in page
    assert len(router.admin.get("/decisions?limit=100")[1]) < 100_000
    assert resident_mib(router) < before + 100

    picker = epp(servers)
    stream = transaction(picker.port)
    stream.request_headers({"x-gateway-inference-fairness-id": b"tenant-\xff"})
    stream.request_body(b'{"model": "m", "prompt": "hi"}')
    stream.routed()
    stream.cancel()
    status, page = picker.admin.get("/metrics")
    assert status == 200 and 'fairness_id="tenant-\ufffd"' in page


@pytest.mark.parametrize("front", ["serve", "epp"])
def test_the_build_is_told(front, request, model_servers):
    router = request.getfixturevalue(front)(model_servers(1))
    page = router.admin.get("/metrics")[1]
    line = next(line for line in page.splitlines() if line.startswith("llm_d_epp_info{"))
    assert 'build_ref="' in line and 'commit="' in line and line.endswith("} 1")
    assert line.replace("llm_d_epp", "inference_extension") in page.splitlines()
    assert '"commit-sha":"' in router.log().splitlines()[0]
