"""The harness itself: the Envoy configuration of deploy/ routes, the fake server and the collector answer.

A failure here says that the ground is wrong, not Pointsman.
"""

import urllib.request

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service_grpc

from harness.ext_proc import DESTINATION, set_headers
from harness.openai import chat, many_streams


@pytest.fixture
def proxied(model_servers, toy_picker, envoy, client):
    server = model_servers(1)[0]
    picker = toy_picker(server.address)
    proxy = envoy(picker.port)
    return server, picker, proxy, client(proxy.port)


def test_envoy_sends_a_request_where_the_picker_says(proxied):
    server, _, proxy, client = proxied
    answer = client.chat("hi")
    assert answer.status == 200
    assert answer.json()["usage"]["completion_tokens"] == 3
    assert server.seen[0].headers[DESTINATION] == server.address
    assert server.seen[0].json() == chat("hi")
    assert proxy.counter("cluster.pointsman.upstream_rq_total") == 1


def test_envoy_hands_a_large_prompt_over_in_chunks(proxied):
    server, picker, _, client = proxied
    answer = client.chat("x" * 500_000)
    assert answer.status == 200
    assert picker.chunks > 1
    assert server.seen[0].json() == chat("x" * 500_000)


def test_envoy_streams_an_answer(proxied):
    _, _, _, client = proxied
    answer = client.chat(stream=True)
    assert answer.events()[-1] == "[DONE]"
    assert len(answer.events()) == 3 + 2


def test_envoy_routes_a_request_without_a_body(proxied):
    server, _, _, client = proxied
    assert client.get("/v1/models").status == 200
    assert server.seen[0].method == "GET"


def test_envoy_keeps_many_streams_open(proxied):
    server, _, proxy, _ = proxied
    server.behave.gap = 0.01
    result = many_streams(proxy.port, 12)
    assert result.complete == 12, result.failures


def test_a_broken_stream_is_seen_as_broken(proxied):
    server, _, proxy, _ = proxied
    server.behave.cut_after = 1
    result = many_streams(proxy.port, 1)
    assert result.complete == 0
    assert len(result.failures) == 1


def test_a_test_can_play_the_proxy(toy_picker, transaction):
    stream = transaction(toy_picker("127.0.0.1:1").port)
    stream.request_headers()
    stream.request_body(b"x" * 62001)
    head, body, sizes = stream.routed()
    assert set_headers(head.request_headers.response) == {DESTINATION: "127.0.0.1:1"}
    assert (body, sizes) == (b"x" * 62001, [62000, 1])
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK


def test_collector_takes_spans_over_grpc_and_http(collector):
    export = service.ExportTraceServiceRequest()
    scope = export.resource_spans.add().scope_spans.add()
    span = scope.spans.add(name="s", trace_id=b"\1" * 16, span_id=b"\2" * 8)
    span.attributes.add(key="n").value.int_value = 3

    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel:
        service_grpc.TraceServiceStub(channel).Export(export, timeout=10)
    url = f"http://127.0.0.1:{collector.http_port}/v1/traces"
    post = urllib.request.Request(url, export.SerializeToString(), {"content-type": "application/x-protobuf"})
    assert urllib.request.urlopen(post, timeout=10).status == 200

    spans = collector.wait_for("s", count=2)
    assert [(s.trace_id, s.id, s.parent, s.attributes) for s in spans] == [("01" * 16, "02" * 8, "", {"n": 3})] * 2
