"""guidellm, the load tool that people measure model servers with, before `pointsman serve`; it runs offline, with a
tokenizer that is made here.

It brings PyTorch with all of CUDA, about 6 GB, so ./dev does not install it and the test is skipped. To run it:

    python3 -m venv build/guidellm && build/guidellm/bin/pip install guidellm==0.8.1
    ./dev test --e2e guidellm
"""

import json
import os
import shutil
import subprocess

import pytest

from harness.process import BUILD

INSTALLED = BUILD.parent / "guidellm" / "bin" / "guidellm"
GUIDELLM = INSTALLED if INSTALLED.exists() else shutil.which("guidellm")
REQUESTS, STREAMS = 24, 3


def write_tokenizer(folder) -> None:
    """A tokenizer as the `transformers` package reads it: every byte of the text is a token (byte-level BPE without
    a merge). Bytes that are no printable character are written as those from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + at) for at in range(len(others))]
    by_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": by_bytes, "post_processor": None, "decoder": by_bytes,
        "model": {"type": "BPE", "vocab": {letter: at for at, letter in enumerate(letters)}, "merges": []}}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


@pytest.mark.skipif(not GUIDELLM, reason="guidellm is not installed (6 GB with PyTorch): to run this, python3 -m venv "
                                         "build/guidellm && build/guidellm/bin/pip install guidellm==0.8.1")
def test_guidellm_measures_every_request_through_the_router(routed, tmp_path):
    r = routed(2)
    for server in r.servers:
        server.behave.models = ["m"]
    write_tokenizer(tmp_path / "tokenizer")
    report = tmp_path / "report.json"
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [GUIDELLM, "run", "--backend", f"kind=openai_http,target=http://127.0.0.1:{r.port},model=m",
         "--tokenizer", f"kind=huggingface_auto,model={tmp_path / 'tokenizer'}",
         "--data", "kind=synthetic_text,prompt_tokens=200,output_tokens=3",
         "--profile", f"kind=concurrent,streams={STREAMS}", "--constraint", f"kind=max_requests,count={REQUESTS}",
         "--output", f"kind=json,path={report}", "--disable-console"],
        capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path, env={**os.environ, **offline})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    [benchmark] = json.loads(report.read_text())["benchmarks"]
    totals = benchmark["metrics"]["request_totals"]
    assert (totals["successful"], totals["errored"]) == (REQUESTS, 0), totals
    requests = [seen for seen in r.seen() if seen.path == "/v1/chat/completions"]
    assert len(requests) >= REQUESTS and all(seen.json()["stream"] for seen in requests)
    assert r.router.admin.metric("llm_d_epp_request_error_total") == 0
