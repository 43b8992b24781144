"""`pointsman why`: the decision behind an answer, for an operator's eyes."""

import json
import subprocess

import pytest

from harness.process import POINTSMAN, free_port


def why(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([POINTSMAN, "why", *arguments], capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def decided(model_servers, serve, client):
    """A router that has answered one request, the decision's id, and the loaded and the picked server."""

    class Decided:
        pass

    d = Decided()
    d.loaded, d.picked = model_servers(2)
    d.loaded.behave.load = {"running": 30, "waiting": 20, "kv": 0.9}
    d.router = serve([d.loaded, d.picked])
    d.id = client(d.router.port).chat("hi").headers["x-pointsman-decision"]
    d.admin = ["--admin", d.router.admin.url]
    return d


def test_a_decision_is_a_table_and_a_sentence(decided):
    done = why(decided.id, *decided.admin)
    assert done.returncode == 0, done.stderr
    assert decided.id in done.stdout
    for word in [decided.picked.address, decided.loaded.address, "queue-scorer", "kv-cache-utilization-scorer", "%"]:
        assert word in done.stdout
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


def test_the_last_decision_needs_no_id(decided):
    assert why("--last", *decided.admin).stdout == why(decided.id, *decided.admin).stdout


def test_json_is_the_whole_record(decided):
    record = json.loads(why(decided.id, "--json", *decided.admin).stdout)
    assert record["id"] == decided.id
    assert decided.picked.address in json.dumps(record)


def test_an_unknown_decision_is_an_error(decided):
    done = why("0" * 16, *decided.admin)
    assert done.returncode == 1
    assert "0" * 16 in done.stderr


def test_a_router_that_does_not_answer_is_named():
    url = f"http://127.0.0.1:{free_port()}"
    done = why("--last", "--admin", url)
    assert done.returncode == 1
    assert url in done.stderr


def test_a_server_that_cannot_be_reached_is_the_outcome(serve, client):
    router = serve([], args=["--endpoint", f"http://127.0.0.1:{free_port()}"])
    assert client(router.port).chat("hi").status == 502
    assert "outcome: upstream_failed" in why("--last", "--admin", router.admin.url).stdout
