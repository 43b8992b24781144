"""spec/03 section 17.4, row by row: requests of vLLM's gRPC service, the test playing Envoy."""

import grpc
import pytest

from harness.ext_proc import DESTINATION, SUBSET, SUBSET_SPACE, metadata, set_headers
from harness.pointsman import POOL_GAUGES_AT_ONCE
from harness.spec_03 import (CHUNK, EMBED, EMBED_TEST1, GENERATE, IDS, LOADED, ONE, TEST1, TEST_STREAM, USAGE, config,
                             routing)
from harness.wait import until

def text(prompt: str) -> bytes:
    return b"\x00" + (len(prompt) + 2).to_bytes(4, "big") + b"\x1a" + bytes([len(prompt)]) + prompt.encode()


def halves(frame: bytes) -> list[bytes]:
    return [frame[:len(frame) // 2], frame[len(frame) // 2:]]


@pytest.fixture
def picker(epp):
    return lambda servers, **more: epp(servers, config=config("vllmgrpc-parser"), **more)


def send(stream, chunks, method=GENERATE, context=None):
    stream.request_headers({"hi": "mom", "x-request-id": "test-request-id", ":path": method,
                            "content-type": "application/grpc"}, context=context)
    for number, chunk in enumerate(chunks):
        stream.request_body(chunk, end=number == len(chunks) - 1, context=context)


@pytest.mark.parametrize("method, chunks, loads, pod", [
    pytest.param(GENERATE, [TEST1], LOADED, 1, id="generate"),
    pytest.param(EMBED, [EMBED_TEST1], LOADED, 1, id="embed"),
    pytest.param(GENERATE, [TEST_STREAM], LOADED, 1, id="stream"),
    pytest.param(GENERATE, [text("test2")], [(6, 0.2, "foo", "bar"), (0, 0.85, "foo"), (10, 0.9, "foo")], 0,
                 id="no objective"),
    pytest.param(GENERATE, halves(text("test3")), [(4, 0.2), (4, 0.85)], 0, id="frame in halves"),
])
def test_requests_of_section_17_4(method, chunks, loads, pod, pods, picker, transaction):
    servers = pods(loads)
    running = picker(servers, args=[POOL_GAUGES_AT_ONCE])
    stream = transaction(running.port)
    send(stream, chunks, method)
    head, body, _ = stream.routed()
    assert routing(head) == {
        DESTINATION: servers[pod].address, "content-length": str(len(b"".join(chunks)))}
    assert body == b"".join(chunks)
    assert running.admin.metric("llm_d_epp_request_total", model_name="", target_model_name="", priority="0") == 1
    until(lambda: running.admin.metric("inference_pool_ready_pods") == len(loads), "the pods are counted as ready")
    assert running.admin.metric("llm_d_epp_request_running") == 0  # never counted without a model


def test_no_pods_and_headers_alone_of_section_17_4(picker, transaction):
    stream = transaction(picker([]).port)
    stream.request_headers({"content-type": "application/grpc", ":path": GENERATE}, end=True)
    answer = stream.rejected()
    assert (answer.status.code, answer.body) == (
        503, b"inference error: ServiceUnavailable - no pods available in datastore")
    assert answer.grpc_status.status == grpc.StatusCode.UNAVAILABLE.value[0]


@pytest.mark.parametrize("subset, pod", [([0, 1, 2], 1), ([2], 2), ([98], None)],
                         ids=["subset best", "subset partial", "subset none"])
def test_subsets_of_section_17_4(subset, pod, pods, picker, transaction):
    servers = pods([(0, 0.2), (0, 0.1), (10, 0.2)])
    stream = transaction(picker(servers).port)
    allowed = [servers[n].address if n < 3 else "127.0.0.99:8000" for n in subset]
    send(stream, [text("test2")], context=metadata(SUBSET_SPACE, {SUBSET: allowed}))
    if pod is not None:
        head, _, _ = stream.routed()
        assert set_headers(head.request_headers.response)[DESTINATION] == servers[pod].address
        return
    answer = stream.rejected()
    assert answer.status.code == 503
    assert answer.headers.set_headers[0].header.raw_value == b"rejected-no-endpoints"


@pytest.mark.parametrize("frame, tokens", [
    pytest.param(IDS, 0, id="chunk"),
    pytest.param(b"no healthy upstream", 0, id="no frame"),
    pytest.param(USAGE, 7, id="usage"),
])
def test_answers_of_section_17_4(frame, tokens, pods, picker, transaction):
    running = picker(pods(ONE))
    stream = transaction(running.port)
    stream.request_headers({":path": GENERATE})
    stream.response_headers({"content-type": "application/grpc"})
    for half in halves(frame):
        stream.response_body(half, end=False)
    stream.response_trailers()
    head, pieces = stream.answered(until_trailers=True)
    assert set_headers(head.response_headers.response) == {"x-went-into-resp-headers": "true"}
    assert b"".join(pieces) == frame
    assert running.admin.metric("inference_objective_input_tokens_sum") == tokens
    assert running.admin.metric("inference_objective_input_tokens_count") == (1 if tokens else 0)


def test_full_streamed_flow_of_section_17_4(pods, picker, transaction):
    [server] = pods(ONE)
    running = picker([server])
    stream = transaction(running.port)
    send(stream, [TEST_STREAM])
    head, _, _ = stream.routed()
    assert set_headers(head.request_headers.response)[DESTINATION] == server.address
    stream.response_headers({":status": "200", "content-type": "application/grpc"})
    for frame in (CHUNK, USAGE):
        stream.response_body(frame, end=False)
    stream.response_trailers()
    _, pieces = stream.answered(until_trailers=True)
    assert pieces == [CHUNK, USAGE]
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK
    metric = running.admin.metric
    assert metric("llm_d_epp_request_input_tokens_sum") == 7
    assert metric("llm_d_epp_request_output_tokens_sum") == 10
    for bound in ["16", "32", "64", "128", "256", "512", "1024", "2048", "4096", "8192", "+Inf"]:
        assert metric("inference_objective_output_tokens_bucket", le=bound) == 1
    assert metric("inference_objective_output_tokens_bucket", le="8") == 0


def test_a_frame_that_is_none_is_refused_in_grpc_too(pods, picker, transaction):
    stream = transaction(picker(pods(ONE)).port)
    send(stream, [b"no healthy upstream"])
    answer = stream.rejected()
    assert (answer.status.code, answer.body) == (
        400, b"inference error: BadRequest - invalid or unsupported gRPC payload")
    assert answer.grpc_status.status == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_another_method_passes_and_its_answer_is_not_waited_for(pods, epp, transaction):
    """With another parser that claims the method's path, requests still go out unread."""
    [server] = pods(ONE)
    running = epp([server], config={"plugins": [{"type": "queue-scorer"}, {"type": "anthropic-parser"}],
                                    "profiles": [{"name": "default", "plugins": [{"pluginRef": "queue-scorer"}]}],
                                    "requestHandler": {"parsers": [{"pluginRef": "anthropic-parser"}]}})
    stream = transaction(running.port)
    stream.request_headers({":path": "/v1/messages/count_tokens"})
    stream.request_body(b"anything")
    _, body, _ = stream.routed()
    assert body == b"anything"
    assert stream.ended() == grpc.StatusCode.OK
