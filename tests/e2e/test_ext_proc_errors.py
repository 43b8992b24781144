"""spec/03 section 5.3, row by row: why a request is refused, as the proxy is told. The rows that end with
`through Envoy` in test_epp.py are what its clients see."""

from dataclasses import dataclass, field

import pytest

from harness.ext_proc import SUBSET, SUBSET_SPACE, metadata
from harness.pointsman import DEFAULT_PLUGINS
from harness.spec_03 import ONE

PROMPT = b'{"model":"m","prompt":"' + b"a prompt long enough for some blocks " * 100 + b'"}'
NOBODY = {"type": "label-selector-filter", "parameters": {"matchLabels": {"role": "nobody-has-it"}}}


@dataclass
class Row:
    name: str
    status: int
    text: str
    reason: str = ""
    headers: dict = field(default_factory=dict)
    body: bytes | None = b'{"model":"m","prompt":"p"}'  # None: headers alone
    pods: list = field(default_factory=lambda: ONE)
    subset: list[str] | None = None
    config: dict = field(default_factory=dict)

    def __str__(self):
        return self.name


OPENAI_ONLY = {"requestHandler": {"parsers": [{"pluginRef": "openai-parser"}]}}
NO_CANDIDATES = "ServiceUnavailable - failed to find endpoint candidates for serving the request"

ROWS = [
    # 500 without a reason in the reference; the protocol's own text asks for this.
    Row("no endpoints, header-only request", 503, "ServiceUnavailable - no pods available in datastore",
        "rejected-no-endpoints", body=None, pods=[]),
    Row("no parser for path", 400, "BadRequest - no parser registered matching path suffix for: /v9/unknown",
        headers={":path": "/v9/unknown?x=1"}, config=OPENAI_ONLY),
    Row("parser error: JSON", 400, "BadRequest - error unmarshaling request bodyMap: unexpected end of JSON input",
        body=b'{"model":"m"'),
    Row("parser error: shape", 400,
        "BadRequest - invalid chat completions request: must have valid messages field",
        headers={":path": "/v1/chat/completions"}),
    Row("model unresolved", 400, "BadRequest - model not found in request body", body=b'{"prompt":"p"}', pods=[]),
    Row("no candidates", 503, NO_CANDIDATES, "rejected-no-endpoints", pods=[]),
    Row("no candidates in the subset", 503, NO_CANDIDATES, "rejected-no-endpoints", subset=["192.168.1.99:8000"]),
    Row("no candidates in an empty subset", 503, NO_CANDIDATES, "rejected-no-endpoints", subset=[]),
    Row("filters drained all endpoints", 429, "ResourceExhausted - no endpoints available for the given request",
        "rejected-saturated",
        config={"plugins": [NOBODY, *DEFAULT_PLUGINS],
                "profiles": [{"name": "default", "plugins": [{"pluginRef": "label-selector-filter"},
                                                             {"pluginRef": "queue-scorer"}]}]}),
    Row("conditional decode miss", 412, "PreconditionFailed - no decode worker has the requested KV cache",
        headers={"prefer": "return=minimal, If-Available;x=y"}, body=PROMPT),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_refusals_of_section_5_3(row, pods, epp, transaction):
    picker = epp(pods(row.pods), config=row.config)
    stream = transaction(picker.port)
    context = None if row.subset is None else metadata(SUBSET_SPACE, {SUBSET: row.subset})
    stream.request_headers(row.headers, end=row.body is None, context=context)
    if row.body is not None:
        stream.request_body(row.body, context=context)
    answer = stream.rejected()
    assert (answer.status.code, answer.body.decode()) == (row.status, f"inference error: {row.text}")
    assert [(o.header.key, o.header.raw_value.decode()) for o in answer.headers.set_headers] == (
        [("x-llm-d-request-dropped-reason", row.reason)] if row.reason else [])
    assert not answer.HasField("grpc_status")
    code = row.text.split(" - ")[0]
    assert picker.admin.metric("llm_d_epp_request_error_total", error_code=code) == 1
    assert picker.admin.metric("llm_d_epp_request_total") == 0
    assert picker.admin.metric("llm_d_epp_request_running") == 0


@pytest.mark.parametrize("prefer, status", [("if-available-but-different", 200), ("return=minimal", 200),
                                            ("if-available", 412), ("  if-available  ", 412)])
def test_prefer_of_section_2_4(prefer, status, pods, epp, transaction):
    stream = transaction(epp(pods(ONE)).port)
    stream.request_headers({"prefer": prefer})
    stream.request_body(PROMPT)
    if status == 200:
        assert stream.routed()[1] == PROMPT
    else:
        assert stream.rejected().status.code == status
