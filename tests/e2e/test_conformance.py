"""HTTP/2 as h2spec, a conformance tester written by others, sees it."""

import re
import subprocess

import pytest

from harness.process import BUILD

H2SPEC = BUILD.parent / "h2spec"
LIMIT_S = 120
# h2spec sends five header fields of this many bytes in one frame and calls it too large: more than the 128 KiB that
# we let a frame have, each less than the 64 KiB that we let all fields of a request have.
MAX_HEADER = 32000


def conform(port: int, *options) -> None:
    if not H2SPEC.exists():
        pytest.skip("h2spec is not there; build/log/h2spec.log says why")
    # h2spec takes an answer that has not come within three seconds for none.
    done = subprocess.run([H2SPEC, "--strict", f"--port={port}", "--timeout=3", f"--max-header-length={MAX_HEADER}",
                           *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False)
    text = done.stdout.decode(errors="replace")
    found = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", text)
    assert found, text[-2000:]
    assert (int(found[3]), int(found[4])) == (0, 0), text[text.find("Failures"):]
    assert int(found[1]) >= 146


def test_the_ext_proc_port_conforms_to_http2(epp):
    conform(epp([]).port)


def test_the_ext_proc_port_conforms_to_http2_over_tls(epp):
    conform(epp([], tls=True).port, "--tls", "--insecure")


def test_the_serve_port_conforms_to_http2(serve, model_servers):
    conform(serve(model_servers(1)).port)
