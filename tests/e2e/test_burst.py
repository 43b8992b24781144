"""Requests that arrive together and begin alike are held for a moment and sent to one server."""

import collections
import json
import threading

import grpc
import pytest

from harness.openai import Client, chat
from harness.pointsman import write_config
from harness.wait import until

PLUGINS = [{"type": "burst-prefix-cache-producer", "name": "burst", "parameters": {"windowDurationMs": 3000}},
           {"type": "prefix-cache-scorer", "parameters": {"prefixMatchInfoProducerName": "burst"}}]
PROFILES = [{"name": "default", "plugins": [{"pluginRef": "prefix-cache-scorer"}]}]


def burst(port: int, prompts: list[str]) -> None:
    """All at once, each over a connection of its own; every one is answered."""
    statuses = []

    def one(prompt):
        client = Client(port)
        statuses.append(client.chat(prompt).status)
        client.close()

    threads = [threading.Thread(target=one, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert statuses == [200] * len(prompts)


def groups(servers) -> list[dict[str, int]]:
    """Per server, how many requests with each first letter it got."""
    return [collections.Counter(seen.json()["messages"][0]["content"][0] for seen in server.seen)
            for server in servers]


@pytest.fixture(params=["serve", "epp"])
def router(request, serve, epp, envoy, model_servers, tmp_path):
    servers = model_servers(4)
    if request.param == "serve":
        config = write_config(tmp_path / "router.yaml", plugins=PLUGINS, profiles=PROFILES)
        running = serve(servers, args=[f"--config-file={config}", "--allow-experimental-plugins", "--workers=2"])
        return running.port, servers, running
    picker = epp(servers, config={"plugins": PLUGINS, "profiles": PROFILES},
                 args=["--allow-experimental-plugins", "--workers=2"])
    return envoy(picker.port).port, servers, picker


def test_a_burst_is_kept_together_by_its_prompts(router):
    port, servers, _ = router
    burst(port, [letter + " is the question " * 100 for letter in "aaaabbbb"])
    seen = groups(servers)
    for letter in "ab":
        assert sorted(count[letter] for count in seen) == [0, 0, 0, 4], seen


BODY = json.dumps({"model": "m", "prompt": "a question " * 200}).encode()


@pytest.fixture
def waiting(epp, model_servers, transaction):
    """A request that a picker of that configuration holds back."""

    def start(**config):
        picker = epp(model_servers(2), config=config, args=["--allow-experimental-plugins"])
        stream = transaction(picker.port)
        stream.request_headers()
        stream.request_body(BODY)
        return picker, stream

    return start


def test_a_proxy_that_says_no_more_is_still_answered(waiting):
    _, stream = waiting(plugins=PLUGINS, profiles=PROFILES)
    stream.half_close()
    assert stream.routed()[1] == BODY
    assert stream.ended() == grpc.StatusCode.OK


def test_a_refusal_does_not_follow_an_answer(waiting):
    nobody = {"type": "label-selector-filter", "parameters": {"matchLabels": {"a": "b"}}}
    only = [{"name": "default", "plugins": [{"pluginRef": "label-selector-filter"}, *PROFILES[0]["plugins"]]}]
    picker, stream = waiting(plugins=[*PLUGINS, nobody], profiles=only)
    stream.response_headers({":status": "408"})
    until(lambda: picker.admin.json("/decisions")["decisions"], "the engine has decided")
    stream.response_body(b"too late", True)
    assert stream.answered()[1] == [b"too late"]
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK


def test_a_client_that_leaves_while_it_waits_harms_nobody(serve, model_servers, tmp_path):
    servers = model_servers(2)
    config = write_config(tmp_path / "router.yaml", plugins=PLUGINS, profiles=PROFILES)
    running = serve(servers, args=[f"--config-file={config}", "--allow-experimental-plugins", "--workers=2"])
    leaver = Client(running.port)
    leaver.connection.request("POST", "/v1/chat/completions", json.dumps(chat("a question " * 200)).encode(),
                              {"content-type": "application/json"})
    leaver.close()
    burst(running.port, ["a question " * 200] * 3)
    assert running.process.running()
