"""Rows of spec/03 sections 17.3 and 17.4 through a real Envoy: what the client gets, and what reaches the server."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from harness.ext_proc import DESTINATION
from harness.pointsman import DEFAULT_PROFILES, Epp
from harness.spec_03 import CHUNK, EMBED, GENERATE, ROWS, TEST_STREAM, USAGE, config
from harness.wait import until

THROUGH_ENVOY = ["lower queue and kv", "active LoRA", "passthrough", "not shed by default", "invalid JSON", "split body",
                 "missing model"]


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in THROUGH_ENVOY], ids=str)
def test_requests_of_section_17_3_through_envoy(row, pods, epp, envoy, client):
    servers = pods(row.pods)
    picker = epp(servers, config=row.config)
    chunks = row.chunks[0] if len(row.chunks) == 1 else iter(row.chunks)
    answer = client(envoy(picker.port).port).post("/v1/completions", chunks, row.headers)
    if row.status:
        assert (answer.status, answer.body.decode()) == (row.status, f"inference error: {row.text}")
        assert not any(server.seen for server in servers)
        return
    assert answer.status == 200
    assert answer.headers["x-went-into-resp-headers"] == "true"
    assert [len(server.seen) for server in servers] == [int(n == row.pod) for n in range(len(servers))]
    [request] = servers[row.pod].seen
    assert request.body == row.routed
    assert request.headers[DESTINATION] == servers[row.pod].address
    assert request.headers["hi"] == "mom"
    if row.counted[0]:  # the client's name is back in the answer
        assert answer.json()["model"] == row.counted[0]


def test_16_megabytes_through_envoy(pods, epp, envoy, client):
    [server] = pods([(0, 0.1)])
    server.behave.padding = 16 << 20
    server.behave.tokens = 1
    body = b'{"model":"m","stream":true,"prompt":"' + b"x" * (16 << 20) + b'"}'
    answer = client(envoy(epp([server]).port).port).post("/v1/completions", body)
    assert answer.status == 200
    assert server.seen[0].body == body
    assert len(answer.body) > 16 << 20
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_rewrite_through_envoy_changes_only_the_bytes_of_the_name(pods, epp, envoy, client):
    [server] = pods([(0, 0.1)])
    body = b'{ "seed":12345678901234567890,"a":1.0,"prompt" : "caf\\u00e9 <&>",\t"model"\n: "m" ,"z":[ ] }\n'
    answer = client(envoy(epp([server]).port).port).post("/v1/completions", body,
                                                         {"x-llm-d-model-name-rewrite": "m-lora"})
    assert server.seen[0].body == body.replace(b'"m"', b'"m-lora"')
    assert answer.json()["model"] == "m"


class Engine:
    """A gRPC server in the place of vLLM's engine, which answers with the frames of section 17.4."""

    def __init__(self):
        self.seen: list[tuple[str, bytes]] = []
        self._server = grpc.server(ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers([self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, details):
        def generate(request, context):
            self.seen.append((details.method, request))
            if b"fail" in request:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "told to fail")
            yield CHUNK[5:]
            yield USAGE[5:]

        return grpc.unary_stream_rpc_method_handler(generate)

    def stop(self):
        self._server.stop(0).wait()


@pytest.fixture
def engine(cleanup):
    engine = Engine()
    cleanup(engine.stop)
    return engine


def call(port, method, message):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return list(channel.unary_stream(method)(message, timeout=20))


def test_grpc_through_envoy_with_trailers_and_usage(engine, spawn, tmp_path, envoy):
    # Nobody can read the load of a server that speaks gRPC only; it is picked all the same.
    picker = Epp(spawn, tmp_path, [engine], wait=False, config={
        "profiles": DEFAULT_PROFILES, **{"requestHandler": config("vllmgrpc-parser")["requestHandler"]},
        "plugins": [{"type": name} for name in ["queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer",
                                                "vllmgrpc-parser"]]})
    picker.process.wait_ready(picker.serving, "gRPC health says SERVING")
    port = envoy(picker.port, grpc_upstream=True).port
    message = TEST_STREAM[5:]
    assert call(port, GENERATE, message) == [CHUNK[5:], USAGE[5:]]
    assert engine.seen == [(GENERATE, message)]
    metric = picker.admin.metric
    until(lambda: metric("llm_d_epp_request_output_tokens_count") == 1, "the answer is counted")
    assert metric("llm_d_epp_request_input_tokens_sum") == 7
    assert metric("llm_d_epp_request_output_tokens_sum") == 10
    assert metric("llm_d_epp_request_total", model_name="", priority="0") == 1

    # A trailers-only answer, and a refusal, both as gRPC statuses.
    with pytest.raises(grpc.RpcError) as failed:
        call(port, GENERATE, b"\x1a\x04fail")
    assert failed.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert failed.value.details() == "told to fail"
    with pytest.raises(grpc.RpcError) as refused:
        call(port, EMBED, b"")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert len(engine.seen) == 2
