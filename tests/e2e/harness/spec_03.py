"""The tables of spec/03 sections 17.3 and 17.4: requests, the pods that they meet, and where they go.

Several tests drive the same rows: one plays Envoy, another has a real one. Addresses are loopback ones in place of
192.168.1.x; a pod is (waiting requests, share of the KV cache in use, adapters).
"""

import json
from dataclasses import dataclass, field

from .ext_proc import set_headers

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


# Section 17.4: frames of vLLM's gRPC service.

GENERATE = "/vllm.grpc.engine.VllmEngine/Generate"
EMBED = "/vllm.grpc.engine.VllmEngine/Embed"

TEST1 = bytes.fromhex("00 00000007 1a 05 7465737431")
TEST_STREAM = bytes.fromhex("00 0000000f 1a 0b 746573742d73747265616d 28 01")
EMBED_TEST1 = bytes.fromhex("00 00000009 12 07 0a 05 7465737431")
IDS = bytes.fromhex("00 0000000b 0a 09 0a 07 01020304050607")
CHUNK = bytes.fromhex("00 00000007 0a 05 0a 03 010203")
USAGE = bytes.fromhex("00 00000006 12 04 18 07 20 0a")
