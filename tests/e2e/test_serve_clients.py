"""Clients that others wrote, before `pointsman serve`: curl, the openai package, h2load."""

import json
import re
import shutil
import subprocess

import openai
import pytest

from harness.openai import chat
from harness.raw import curl
from harness.wait import until


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_is_served(routed):
    r = routed(1)
    url = f"http://127.0.0.1:{r.port}/v1/chat/completions"
    assert '"usage"' in curl(url, "-d", json.dumps(chat()))
    assert curl("-N", url, "-d", json.dumps(chat(stream=True))).endswith("data: [DONE]\n\n")
    assert curl("-o", "/dev/null", "-w", "%{http_code}", "--http1.0", url, "-d", json.dumps(chat())) == "200"
    large = json.dumps(chat("x" * 2_000_000))
    for field in ("Expect: 100-continue", "Transfer-Encoding: chunked"):
        assert '"usage"' in curl("-H", field, "-d", "@-", url, input=large)
        assert r.server.seen[-1].body.decode() == large


def test_the_openai_package_is_served_and_understands_our_errors(routed):
    r = routed(1)
    r.server.behave.models = ["m"]
    until(lambda: "models" in r.router.admin.json("/endpoints")["endpoints"][0], "the server has told")
    with openai.OpenAI(base_url=f"http://127.0.0.1:{r.port}/v1", api_key="any", max_retries=0, timeout=10) as client:
        messages = [{"role": "user", "content": "hi"}]
        assert client.chat.completions.create(model="m", messages=messages).usage.completion_tokens == 3
        stream = client.chat.completions.create(model="m", messages=messages, stream=True)
        pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
        assert [p.split()[0] for p in pieces] == ["t0", "t1", "t2"]
        assert [m.id for m in client.models.list()] == ["m"]
        with pytest.raises(openai.NotFoundError) as unknown:
            client.chat.completions.create(model="gpt-9", messages=messages)
        assert unknown.value.code == "model_not_found" and unknown.value.param == "model"
        with pytest.raises(openai.BadRequestError) as bad:
            client.post("/chat/completions", body={"messages": 7}, cast_to=object)
        assert bad.value.type == "invalid_request_error"


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")
@pytest.mark.parametrize("version, agreed", [(["--h1"], "http/1.1"), (["-m", "25"], "h2c")], ids=["h1", "h2c"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_h2load_sees_no_failure(routed, tmp_path, version, agreed, stream):
    """500 requests over four connections, on HTTP/2 up to 25 at a time on each."""
    r = routed(1)
    body = tmp_path / "body"
    body.write_text(json.dumps(chat(stream=stream)))
    report = subprocess.run(["h2load", *version, "-n", "500", "-c", "4", "-d", body, "-H",
                             "content-type: application/json", f"http://127.0.0.1:{r.port}/v1/chat/completions"],
                            capture_output=True, text=True, check=True, timeout=60).stdout
    assert f"Application protocol: {agreed}\n" in report
    assert "500 succeeded, 0 failed, 0 errored, 0 timeout" in report
    assert re.search(r"^status codes: 500 2xx, 0 3xx, 0 4xx, 0 5xx$", report, re.MULTILINE), report
    requests = [seen for seen in r.server.seen if seen.method == "POST"]
    assert len(requests) == 500 and all(seen.finished for seen in requests)
    assert r.router.admin.metric("llm_d_epp_request_error_total") == 0


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")
def test_h2load_tells_a_refusal_from_an_answer(routed, tmp_path):
    """The report above says 500 answers: here it says none, so that it is not the same whatever happens."""
    r = routed(1)
    body = tmp_path / "body"
    body.write_text("{")
    report = subprocess.run(["h2load", "-n", "20", "-c", "2", "-d", body,
                             f"http://127.0.0.1:{r.port}/v1/chat/completions"],
                            capture_output=True, text=True, check=True, timeout=60).stdout
    assert "status codes: 0 2xx, 0 3xx, 20 4xx, 0 5xx" in report
