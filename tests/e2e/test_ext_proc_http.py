"""spec/03 section 17.3, row by row: what the proxy sends to the picker and gets back, the test playing Envoy.

Addresses are loopback ones in place of 192.168.1.x. There are no custom resources here, so that every priority is 0
and the target comes from the header alone, as in the reference's own standalone runs without them.
"""

import json
from dataclasses import dataclass, field

import grpc
import pytest

from harness.ext_proc import metadata, set_headers
from harness.wait import until

DESTINATION = "x-gateway-destination-endpoint"
SUBSET_SPACE, SUBSET = "envoy.lb.subset_hint", "x-gateway-destination-endpoint-subset"
LORAS = ["sql-lora", "sql-lora-1fdg2"]
ONE = [(0, 0.2)]
LOADED = [(3, 0.2), (0, 0.1), (10, 0.2)]

SCORERS = ["queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer", "lora-affinity-scorer"]


def config(parser="openai-parser", scorers=SCORERS) -> dict:
    return {"plugins": [{"type": name} for name in [*scorers, parser]],
            "profiles": [{"name": "default", "plugins": [{"pluginRef": name} for name in scorers]}],
            "requestHandler": {"parsers": [{"pluginRef": parser}]}}


def body(model: str, prompt: str) -> bytes:
    return json.dumps({"max_tokens": 100, "model": model, "prompt": prompt, "temperature": 0},
                      separators=(",", ":")).encode()


def request(model: str, target: str) -> dict:
    return {"hi": "mom", "x-request-id": "test-request-id", "x-llm-d-inference-objective": model,
            "x-llm-d-model-name-rewrite": target}


def routing(head) -> dict:
    """The headers that a request-headers response sets, without those of the trace."""
    headers = set_headers(head.request_headers.response)
    headers.pop("traceparent", None)
    return headers


@dataclass
class Row:
    """A request and where it goes: the pod's number and the body it gets, or the refusal."""

    name: str
    pods: list
    headers: dict
    chunks: list[bytes]
    subset: list[int] | None = None  # numbers of pods; 98 is nobody
    pod: int | None = None
    routed: bytes | None = None
    status: int = 0
    text: str = ""
    reason: str = ""
    counted: tuple[str, str] | None = None  # model and target in request_total
    config: dict = field(default_factory=config)

    def __str__(self):
        return self.name


def llm(name, prompt, model, target, pods, pod, subset=None, sent=None, **more) -> Row:
    sent = sent or [body(model, prompt)]
    return Row(name, pods, request(model, target), sent, subset=subset, pod=pod,
               routed=None if pod is None else body(target, prompt), counted=(model, target), **more)


def halves(text: bytes) -> list[bytes]:
    return [text[:32], text[32:]]


NO_CANDIDATES = "ServiceUnavailable - failed to find endpoint candidates for serving the request"
IDLE = [(0, 0.2, "foo"), (0, 0.1, "foo", "sql-lora-1fdg2"), (10, 0.2, "foo")]

ROWS = [
    llm("lower queue and kv", "test1", "my-model", "my-model-12345", LOADED, 1),
    llm("active LoRA", "test2", *LORAS,
        [(0, 0.2, "foo", "bar"), (0, 0.1, "foo", "sql-lora-1fdg2"), (10, 0.2, "foo", "bar")], 1),
    llm("LoRA despite kv", "test3", *LORAS,
        [(10, 0.2, "foo", "bar"), (10, 0.4, "foo", "sql-lora-1fdg2"), (10, 0.3, "foo")], 1),
    Row("passthrough", LOADED, {"hi": "mom", "x-request-id": "test-request-id",
                                "x-llm-d-inference-objective": "my-model"},
        [b"passthrough-parser"], pod=1, routed=b"passthrough-parser", counted=("", ""),
        config=config("passthrough-parser", SCORERS[:2])),
    llm("not shed by default", "test4", *LORAS,
        [(6, 0.2, "foo", "bar", "sql-lora-1fdg2"), (0, 0.85, "foo"), (10, 0.9, "foo")], 0),
    Row("invalid JSON", [(0, 0.2, "foo", "bar")], {"hi": "mom"}, [b"no healthy upstream"], status=400,
        text="BadRequest - error unmarshaling request bodyMap: "
             "invalid character 'o' in literal null (expecting 'u')"),
    llm("split body", "test6", "sql-lora-sheddable", "sql-lora-1fdg3",
        [(4, 0.2, "foo", "bar", "sql-lora-1fdg3"), (4, 0.85, "foo", "sql-lora-1fdg3")], 0,
        sent=halves(body("sql-lora-sheddable", "test6"))),
    Row("missing model", [], {"content-type": "application/json"}, [b'{"prompt":"hello world"}'], status=400,
        text="BadRequest - model not found in request body"),
    llm("subset best", "test2", *LORAS, IDLE, 1, subset=[0, 1, 2]),
    llm("subset partial", "test2", *LORAS, IDLE, 2, subset=[2]),
    llm("subset none", "test2", *LORAS, IDLE[:2], None, subset=[98], status=503, text=NO_CANDIDATES,
        reason="rejected-no-endpoints"),
    llm("model not in objectives", "test6", "direct-model", "direct-model",
        [(4, 0.2, "foo", "bar", "sql-lora-1fdg3")], 0, sent=halves(body("direct-model", "test6"))),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_requests_of_section_17_3(row, pods, epp, transaction):
    servers = pods(row.pods)
    picker = epp(servers, config=row.config)
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
