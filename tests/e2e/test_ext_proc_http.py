"""spec/03 section 17.3, row by row: what the proxy sends to the picker and gets back, the test playing Envoy.

There are no custom resources here, so that every priority is 0 and the target comes from the header alone, as in the
reference's own standalone runs without them.
"""

import grpc
import pytest

from harness.ext_proc import DESTINATION, SUBSET, SUBSET_SPACE, metadata, set_headers
from harness.pointsman import POOL_GAUGES_AT_ONCE
from harness.spec_03 import ONE, ROWS, body, config, halves, routing
from harness.wait import until


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_requests_of_section_17_3(row, pods, epp, transaction):
    servers = pods(row.pods)
    picker = epp(servers, config=row.config, args=[POOL_GAUGES_AT_ONCE])
    context = None
    if row.subset is not None:
        allowed = [servers[n].address if n < len(servers) else f"127.0.0.{n + 1}:8000" for n in row.subset]
        context = metadata(SUBSET_SPACE, {SUBSET: allowed})
    stream = transaction(picker.port)
    stream.request_headers(row.headers, context=context)
    for number, chunk in enumerate(row.chunks):
        stream.request_body(chunk, end=number == len(row.chunks) - 1, context=context)

    if row.status:
        answer = stream.rejected()
        assert (answer.status.code, answer.body.decode()) == (row.status, f"inference error: {row.text}")
        assert {o.header.key: o.header.raw_value.decode() for o in answer.headers.set_headers} == (
            {"x-llm-d-request-dropped-reason": row.reason} if row.reason else {})
        assert picker.admin.metric("llm_d_epp_request_total") == 0
        return
    head, out, sizes = stream.routed()
    destination = servers[row.pod].address
    # The reference sets every header of the request again; only what is changed is set here.
    assert routing(head) == {DESTINATION: destination, "content-length": str(len(out))}
    assert head.request_headers.response.clear_route_cache
    assert dict(head.dynamic_metadata["envoy.lb"]) == {DESTINATION: destination}
    assert out == row.routed
    assert len(sizes) == 1
    model, target = row.counted
    for family in ("llm_d_epp_request_total", "inference_objective_request_total"):
        assert picker.admin.metric(family, model_name=model, target_model_name=target, priority="0") == 1
    assert picker.admin.metric("llm_d_epp_request_size_bytes_sum") == len(out)
    if row.name == "lower queue and kv":
        until(lambda: picker.admin.metric("inference_pool_ready_pods") == 3, "three pods are counted as ready")
        lengths = {name: len(body(name, prompt)) for name, prompt in [
            ("my-model-12345", "test1"), ("sql-lora-1fdg2", "test2"), ("direct-model", "test6"),
            ("rewritten-model", "test-rewrite")]}
        assert list(lengths.values()) == [76, 76, 74, 84]


def test_no_pods_and_headers_alone_of_section_17_3(epp, transaction):
    stream = transaction(epp([], config=config()).port)
    stream.request_headers({"content-type": "application/json"}, end=True)
    answer = stream.rejected()
    # 500 in the reference; the protocol's own text asks for 503.
    assert (answer.status.code, answer.body) == (
        503, b"inference error: ServiceUnavailable - no pods available in datastore")


def test_simple_get_of_section_17_3(pods, epp, transaction):
    [server] = pods(ONE)
    stream = transaction(epp([server], config=config()).port)
    stream.request_headers({"content-type": "text/event-stream", "status": "200"}, end=True)
    headers = set_headers(stream.receive().request_headers.response)
    assert headers[DESTINATION] == server.address
    assert "content-length" not in headers


JSON = body("sql-lora-sheddable", "test6")
USAGE = [b"data: {}",
         b'data: {"usage":{"prompt_tokens":7,"total_tokens":17,"completion_tokens":10}}\ndata: [DONE]', b""]


@pytest.mark.parametrize("chunks", [
    pytest.param(halves(JSON), id="buffered multi-chunk"),
    pytest.param([b"no healthy upstream"], id="buffered invalid JSON"),
    pytest.param([JSON, b""], id="buffered and empty end of stream"),
])
def test_whole_answers_of_section_17_3(chunks, pods, epp, transaction):
    stream = transaction(epp(pods(ONE), config=config()).port)
    stream.response_headers({"content-type": "application/json"})
    for number, chunk in enumerate(chunks):
        stream.response_body(chunk, end=number == len(chunks) - 1)
    head, pieces = stream.answered()
    assert set_headers(head.response_headers.response) == {"x-went-into-resp-headers": "true"}
    assert b"".join(pieces) == b"".join(chunks)
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK


def test_usage_in_an_event_stream_of_section_17_3(pods, epp, transaction):
    picker = epp(pods(ONE), config=config())
    stream = transaction(picker.port)
    stream.response_headers({"content-type": "text/event-stream", "status": "200"})
    for number, chunk in enumerate(USAGE):
        stream.response_body(chunk, end=number == 2)
    head, pieces = stream.answered()
    assert set_headers(head.response_headers.response) == {"x-went-into-resp-headers": "true"}
    assert pieces == USAGE
    metric = picker.admin.metric
    tokens = "inference_objective_input_tokens"
    assert metric(f"{tokens}_count", model_name="", target_model_name="") == 1
    assert metric(f"{tokens}_sum") == 7
    assert metric("llm_d_epp_request_input_tokens_sum", model_name="", fairness_id="default-flow", priority="0") == 7
    assert metric(f"{tokens}_bucket", le="1") == 0
    for bound in ["8", "16", "32", "64", "128", "256", "512", "1024", "2048", "4096", "8192", "16384", "32778", "65536",
                  "131072", "262144", "524288", "1.048576e+06", "+Inf"]:
        assert metric(f"{tokens}_bucket", le=bound) == 1, bound
