"""docs/operations.md names everything that an operator may meet: flags, metrics, the router's own refusals, log lines.
What is added to the router and not to the page fails here."""

import json
import pathlib
import re
import subprocess

import pytest

from harness.process import POINTSMAN
from harness.wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
FLAG = re.compile(r"^\s+(?:-\w, )?(--[a-z][a-z0-9-]*)", re.MULTILINE)
# `log.warning("text"`, `logger_.info(level, "text"`, also over a line's end; texts made at run time have no literal.
LOGGED = re.compile(r'\blog\w*(?:\(\))?\.(?:info\(\s*verbosity::\w+,|(?:warning|error)\()\s*"((?:[^"\\]|\\.)*)"((?:\s*"[^"]*")*)')
LOUD_ENOUGH = ("kDefault", "kInfo")  # levels shown with -v 2


def named(word: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", PAGE) is not None


@pytest.mark.parametrize("command", ["serve", "epp"])
def test_every_flag_is_explained(command):
    page = subprocess.run([POINTSMAN, command, "--help"], capture_output=True, text=True, check=True).stdout
    flags = set(FLAG.findall(page)) - {"--help"}
    assert len(flags) > 20
    assert sorted(flag for flag in flags if not named(flag)) == []


def test_no_flag_is_explained_that_is_not_there():
    known = {"--help", "--version"}
    for command in ("serve", "epp", "sim", "why", "tap", "replay", "whatif", "check", "load"):
        page = subprocess.run([POINTSMAN, command, "--help"], capture_output=True, text=True, check=True).stdout
        known |= set(re.findall(r"--[a-z][a-z0-9-]*", page))
    for script in ("dev", "bench/soak.py"):
        known |= set(re.findall(r"--[a-z][a-z0-9-]*", (ROOT / script).read_text()))
    ours = "\n".join(line for line in PAGE.splitlines() if "curl " not in line)  # which has flags of its own
    assert sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", ours)) - known) == []


def test_every_metric_is_explained(serve, model_servers):
    """Those of the golden file, and those that a running router shows besides."""
    golden = {line.split()[0] for line in (ROOT / "tests/golden/metrics.txt").read_text().splitlines()}
    text = serve(model_servers(1)).admin.get("/metrics")[1]
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert shown & golden
    assert sorted(name for name in golden | shown if not named(name)) == []


def test_every_reason_of_a_refusal_is_explained(serve, model_servers):
    text = serve(model_servers(1)).admin.get("/metrics")[1]
    reasons = re.findall(r'pointsman_wire_refusals_total\{reason="(\w+)"\}', text)
    assert len(reasons) >= 10
    assert [reason for reason in reasons if not named(reason)] == []


def log_lines() -> set[str]:
    found = set()
    for path in sorted((ROOT / "pointsman").rglob("*.cc")):
        if re.search(r"_(test|bench|fuzz)\.cc$", path.name) or path.parts[-2] == "testing":
            continue
        for match in LOGGED.finditer(path.read_text()):
            level = re.search(r"verbosity::(\w+)", match[0])
            if level is None or level[1] in LOUD_ENOUGH:
                found.add("".join(re.findall(r'"([^"]*)"', f'"{match[1]}"{match[2]}')))
    return found


def test_every_log_line_is_explained():
    found = log_lines()
    assert len(found) > 20
    # The page is wrapped, so a line's end may stand for a blank.
    page = re.sub(r"\s+", " ", PAGE)
    assert sorted(line for line in found if line not in page) == []


def lines_of(router, request_id: str) -> list[dict]:
    return [json.loads(line) for line in router.log().splitlines() if f'"x-request-id":"{request_id}"' in line]


def test_every_request_can_be_found_in_the_log(serve, epp, model_servers, client, transaction):
    """One line each, whatever became of it, in both routers; at the usual verbosity."""
    servers = model_servers(1)
    router, picker = serve(servers), epp(servers)
    link = client(router.port)
    assert link.chat("hello", headers={"x-request-id": "serve-good"}).status == 200
    assert link.post("/v1/chat/completions", b"{", {"x-request-id": "serve-bad"}).status == 400
    until(lambda: link.get("/v1/models", {"x-request-id": "models"}).status == 200, "serve answers by itself")
    for end, body in (("good", b'{"model": "m", "prompt": "hi"}'), ("bad", b"{")):
        stream = transaction(picker.port)
        stream.request_headers({"x-request-id": f"epp-{end}"})
        stream.request_body(body)
        if end == "bad":
            stream.rejected()
            continue
        stream.routed()
        stream.response_headers({":status": "200", "content-type": "application/json"})
        stream.response_body(b"{}", end=True)
        stream.answered()
        stream.half_close()
    for front in (router, picker):
        name = "serve" if front is router else "epp"
        until(lambda: len(lines_of(front, f"{name}-good")) == 1 and len(lines_of(front, f"{name}-bad")) == 1,
              f"{name} logs both requests")
        good, bad = lines_of(front, f"{name}-good")[0], lines_of(front, f"{name}-bad")[0]
        assert (good["msg"], good["end"], good["status"]) == ("Request handled", "finished", 200)
        assert good["incomingModelName"] == good["targetModelName"] == "m"
        assert good["duration"] >= good["ttft"] >= good["routing"] > 0
        assert (bad["msg"], bad["status"], bad["code"], bad["level"]) == ("Request refused", 400, "BadRequest", "info")
    own = until(lambda: lines_of(router, "models"), "serve logs what it answers by itself")[-1]
    assert (own["end"], own["status"]) == ("finished", 200)
    quiet = serve(servers, args=["-v=1"])
    quiet_link = client(quiet.port)
    assert quiet_link.chat("hello", headers={"x-request-id": "quiet-good"}).status == 200
    assert quiet_link.post("/v1/chat/completions", b"{", {"x-request-id": "quiet-bad"}).status == 400
    until(lambda: lines_of(quiet, "quiet-bad"), "a refusal is shown")
    assert lines_of(quiet, "quiet-good") == []
