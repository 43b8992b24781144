"""A changed configuration is taken over as a whole while requests run: SIGHUP and --watch-config, in `serve` and `epp`."""

import contextlib
import pathlib
import signal
import threading

import pytest

from harness.ext_proc import DESTINATION, set_headers
from harness.openai import Client
from harness.pointsman import DEFAULT_PLUGINS, write_config, write_endpoints
from harness.wait import until

RELOADS = "pointsman_config_reloads_total"
INDEX = "llm_d_epp_prefix_indexer_size"
BODY = b'{"model":"m","prompt":"hello","max_tokens":4}'


def weights(queue: float, plugins=None) -> dict:
    return {"plugins": plugins or DEFAULT_PLUGINS, "profiles": [{"name": "default", "plugins": [
        {"pluginRef": "queue-scorer", "weight": queue}, {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
        {"pluginRef": "prefix-cache-scorer", "weight": 3}]}]}


def replace(path: pathlib.Path, config: dict | str, endpoints: pathlib.Path | None = None) -> None:
    """As an operator's tool would: the new file is renamed over the old one."""
    fresh = path.with_suffix(".new")
    if isinstance(config, str):
        fresh.write_text(config)
    else:
        write_config(fresh, endpoints, **config)
    fresh.replace(path)


def applied(router, count: int) -> None:
    until(lambda: router.admin.metric(RELOADS, result="applied") == count, f"{count} configurations applied")


def weighs(router, decision: str, weight: int) -> bool:
    """Whether a scorer of that decision had this weight."""
    return f'"weight":{weight}}}' in router.admin.get(f"/decisions/{decision}")[1].replace(" ", "")


@contextlib.contextmanager
def traffic(port: int, clients: int = 4):
    """Requests one after the other on several connections until the block ends; yields the list of their statuses."""
    statuses, stop = [], threading.Event()

    def run():
        client = Client(port)
        try:
            while not stop.is_set():
                statuses.append(client.chat("the same long prompt again and again " * 20).status)
        finally:
            client.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path / "serve.yaml", **weights(2))


def test_no_request_fails_while_the_configuration_changes_under_load(model_servers, serve, config):
    servers = model_servers(3)
    router = serve(servers, args=["--config-file", str(config), "--workers=3", "--watch-config"])
    with traffic(router.port) as statuses:
        until(lambda: len(statuses) > 20, "traffic")
        for turn in range(1, 6):
            replace(config, weights(2 + turn))
            applied(router, turn)
            before = len(statuses)
            until(lambda seen=before: len(statuses) > seen + 20, "traffic after a change")
    assert set(statuses) == {200}
    assert router.admin.metric(RELOADS, result="refused") == 0


def test_the_new_weights_decide_and_the_prefix_index_stays(model_servers, serve, client, config):
    router = serve(model_servers(2), args=["--config-file", str(config)])
    c = client(router.port)
    first = c.chat("a prompt that fills several blocks of the index " * 40)
    size = router.admin.metric(INDEX)
    assert size > 0
    replace(config, weights(37))
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 1)
    assert router.admin.metric(INDEX) == size
    second = c.chat("a prompt that fills several blocks of the index " * 40)
    assert not weighs(router, first.headers["x-pointsman-decision"], 37)
    assert weighs(router, second.headers["x-pointsman-decision"], 37)
    # Another producer starts with an empty index.
    producer = {"type": "approx-prefix-cache-producer", "parameters": {"blockSizeTokens": 32}}
    replace(config, weights(37, [*DEFAULT_PLUGINS, producer]))
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 2)
    assert router.admin.metric(INDEX) == 0


@pytest.mark.parametrize("wrong", ["plugins: [{type: queue-scorr}, {type: nope}]\n", "plugins: [\n", "kind: Pod\n"])
def test_a_configuration_with_mistakes_changes_nothing(model_servers, serve, client, config, wrong):
    router = serve(model_servers(1), args=["--config-file", str(config), "--watch-config"])
    c = client(router.port)
    replace(config, wrong)
    until(lambda: router.admin.metric(RELOADS, result="refused") >= 1, "the refusal")
    assert router.admin.ready()
    assert c.chat().status == 200
    assert "configuration not taken over" in router.log()
    replace(config, weights(5))
    applied(router, 1)
    assert c.chat().status == 200


def test_every_mistake_is_logged(model_servers, serve, config):
    router = serve(model_servers(1), args=["--config-file", str(config)])
    replace(config, "plugins: [{type: queue-scorr}, {type: max-score-pickr}]\n")
    router.process.child.send_signal(signal.SIGHUP)
    until(lambda: "max-score-pickr" in router.log(), "the second mistake in the log")
    assert "queue-scorr" in router.log() and "queue-scorer" in router.log()


def test_an_answer_goes_on_through_a_change(model_servers, serve, client, config):
    servers = model_servers(1)
    router = serve(servers, args=["--config-file", str(config)])
    c = client(router.port)
    servers[0].behave.hold = True
    response = c.start("POST", "/v1/chat/completions",
                       {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})
    assert b"t0" in response.readline()
    replace(config, weights(9))
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 1)
    servers[0].release()
    assert response.read().endswith(b"data: [DONE]\n\n")


def test_a_change_of_what_is_scraped_is_taken_over(model_servers, serve, config):
    servers = model_servers(1)
    router = serve(servers, args=["--config-file", str(config)])
    slow = {"type": "metrics-data-source", "parameters": {"path": "/other"}}
    sources = {"sources": [{"pluginRef": "metrics-data-source", "extractors": [{"pluginRef": "core-metrics-extractor"}]}]}
    replace(config, {**weights(2, [*DEFAULT_PLUGINS, slow, {"type": "core-metrics-extractor"}]), "dataLayer": sources})
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 1)
    before = servers[0].scrapes
    replace(config, weights(2))
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 2)
    until(lambda: servers[0].scrapes > before + 2, "scrapes of the first page again")


def test_epp_takes_a_change_over_and_keeps_open_transactions(model_servers, epp, transaction):
    servers = model_servers(2)
    router = epp(servers, args=["--workers=2", "--watch-config"])
    config = router.endpoints.with_name("epp.yaml")
    early = transaction(router.port)
    early.request_headers()
    replace(config, weights(21), router.endpoints)
    applied(router, 1)
    early.request_body(BODY)
    early.routed()  # begun before the change, decided after it
    late = transaction(router.port)
    late.request_headers()
    late.request_body(BODY)
    late.routed()
    assert router.health() == "SERVING"


def test_endpoints_may_come_from_elsewhere(model_servers, epp, transaction, tmp_path):
    servers = model_servers(2)
    router = epp(servers[:1])
    config = router.endpoints.with_name("epp.yaml")
    other = tmp_path / "other.yaml"

    def destination() -> str:
        stream = transaction(router.port)
        stream.request_headers()
        stream.request_body(BODY)
        head, _, _ = stream.routed()
        return set_headers(head.request_headers.response)[DESTINATION]

    assert destination() == servers[0].address
    # A place that names nothing usable changes nothing.
    replace(config, weights(2), other)
    router.process.child.send_signal(signal.SIGHUP)
    until(lambda: router.admin.metric(RELOADS, result="refused") == 1, "the refusal")
    assert "configuration not taken over" in router.log()
    assert destination() == servers[0].address

    write_endpoints(other, servers[1:])
    router.process.child.send_signal(signal.SIGHUP)
    applied(router, 1)
    assert destination() == servers[1].address
    # From now on the new file counts, and the old one does not.
    write_endpoints(router.endpoints, servers)
    write_endpoints(other, servers)
    until(lambda: len(router.admin.json("/endpoints")["endpoints"]) == 2, "both endpoints")
    assert router.admin.ready()
