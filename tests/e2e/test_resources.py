"""--resources-file: objectives and model rewrites out of a file, watched, in `serve` and `epp`."""

import pathlib
import signal

import yaml

from harness.openai import completion
from harness.wait import until

RELOADS = "pointsman_resources_reloads_total"


def objective(name: str, priority: int, pool: str = "pool") -> dict:
    return {"apiVersion": "llm-d.ai/v1alpha2", "kind": "InferenceObjective", "metadata": {"name": name},
            "spec": {"poolRef": {"name": pool}, "priority": priority}}


def rewrite(name: str, model: str | None, targets: dict[str, int | None], pool: str = "pool") -> dict:
    matches = {} if model is None else {"matches": [{"model": {"type": "Exact", "value": model}}]}
    return {"apiVersion": "llm-d.ai/v1alpha2", "kind": "InferenceModelRewrite", "metadata": {"name": name},
            "spec": {"poolRef": {"name": pool}, "rules": [{**matches, "targets": [
                {"modelRewrite": target, **({"weight": weight} if weight else {})}
                for target, weight in targets.items()]}]}}


def write(path: pathlib.Path, *resources: dict) -> pathlib.Path:
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump_all(resources))
    return fresh.replace(path)


def test_a_rule_changes_the_model_and_only_that(model_servers, serve, client, tmp_path):
    servers = model_servers(2)
    file = write(tmp_path / "resources.yaml", rewrite("canary", "m", {"m-v2": 100}))
    router = serve(servers, args=["--resources-file", str(file)])
    answer = client(router.port).request("POST", "/v1/completions",
                                         b'{ "prompt":"hi",  "model" : "m", "max_tokens":3, "seed":12345678901234567890 }')
    assert answer.status == 200
    assert answer.json()["model"] == "m"  # what the client asked for
    [seen] = [request for server in servers for request in server.seen]
    assert seen.body == b'{ "prompt":"hi",  "model" : "m-v2", "max_tokens":3, "seed":12345678901234567890 }'
    assert router.admin.metric("llm_d_epp_model_rewrite_decisions_total", model_rewrite_name="canary",
                               model_name="m", target_model="m-v2") == 1
    decision = router.admin.json(f"/decisions/{answer.headers['x-pointsman-decision']}")
    assert decision["target_model"] == "m-v2"
    assert router.admin.metric("llm_d_epp_request_total", model_name="m", target_model_name="m-v2") == 1


def test_changes_of_the_file_are_taken_over_and_mistakes_are_not(model_servers, serve, client, tmp_path):
    servers = model_servers(1)
    file = write(tmp_path / "resources.yaml", rewrite("canary", "m", {"one": None}))
    router = serve(servers, args=["--resources-file", str(file)])
    c = client(router.port)

    def target() -> str:
        assert c.post("/v1/completions", completion()).status == 200
        return servers[0].seen[-1].json()["model"]

    assert target() == "one"
    write(file, rewrite("canary", "m", {"two": None}))
    until(lambda: router.admin.metric(RELOADS, result="applied") == 1, "the file taken over")
    assert target() == "two"
    write(file, {**rewrite("canary", "m", {"three": None}), "kind": "InferencModelRewrite"})
    until(lambda: router.admin.metric(RELOADS, result="refused") >= 1, "the mistake")
    assert "InferenceModelRewrite" in router.log() and "resources not taken over" in router.log()
    assert target() == "two"
    file.unlink()
    refused = router.admin.metric(RELOADS, result="refused")
    router.process.child.send_signal(signal.SIGHUP)
    until(lambda: router.admin.metric(RELOADS, result="refused") > refused, "the missing file")
    assert target() == "two"
    write(file)
    until(lambda: router.admin.metric("pointsman_resources", kind="InferenceModelRewrite") == 0, "no rules")
    assert target() == "m"


def test_an_objective_decides_what_is_shed(model_servers, serve, client, tmp_path):
    servers = model_servers(1)
    servers[0].behave.load.update(waiting=1000, kv=1.0)
    file = write(tmp_path / "resources.yaml", objective("batch", -1), objective("chat", 3))
    router = serve(servers, args=["--resources-file", str(file)])
    router.admin.wait_scraped(servers)
    c = client(router.port)

    def ask(objective: str):
        return c.post("/v1/completions", completion(), headers={"x-llm-d-inference-objective": objective})

    assert ask("chat").status == 200
    assert ask("nobody").status == 200
    shed = ask("batch")
    assert shed.status == 429
    assert shed.headers["x-llm-d-request-dropped-reason"] == "rejected-saturated"
    assert router.admin.metric("llm_d_epp_request_total", priority="3") == 1
    assert router.admin.metric("llm_d_epp_request_error_total", priority="-1", error_code="ResourceExhausted") == 1
    assert all("x-llm-d-inference-objective" not in request.headers for request in servers[0].seen)


def test_a_file_with_mistakes_ends_the_start(model_servers, serve, tmp_path):
    file = tmp_path / "resources.yaml"
    file.write_text("apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: {name: a}\nspec: {prio: 1}\n")
    router = serve(model_servers(1), args=["--resources-file", str(file)], wait=False)
    assert router.process.wait_end() == 1
    assert '"line":4' in router.log() and "spec.poolRef" in router.log()


def test_what_belongs_to_another_pool_is_passed_over(model_servers, epp, envoy, client, tmp_path):
    servers = model_servers(1)
    file = write(tmp_path / "resources.yaml", rewrite("ours", None, {"mine": None}),
                 rewrite("a-theirs", None, {"theirs": None}, pool="other"))
    picker = epp(servers, args=["--resources-file", str(file)])
    gateway = client(envoy(picker.port).port)
    assert gateway.request("POST", "/v1/completions", b'{"prompt":"hi","max_tokens":3}').status == 200
    [seen] = servers[0].seen
    assert seen.body == b'{"model":"mine","prompt":"hi","max_tokens":3}'
    assert "passed over" in picker.log()
