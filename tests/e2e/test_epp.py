"""`pointsman epp` behind a real Envoy: what a client of the gateway sees, and what reaches the model server."""

import json
import resource
import signal

import pytest

from harness.ext_proc import DESTINATION, SUBSET
from harness.openai import chat, completion, many_streams
from harness.pointsman import DEFAULT_PLUGINS, write_endpoints
from harness.tls import make_certificate, shown
from harness.wait import until

DROPPED = "x-llm-d-request-dropped-reason"


@pytest.fixture
def gateway(model_servers, epp, envoy, client):
    """Two model servers, the picker, Envoy, a client of it."""

    class Gateway:
        pass

    def start(count=2, **options):
        g = Gateway()
        g.servers = model_servers(count)
        g.epp = epp(g.servers, **options)
        g.envoy = envoy(g.epp.port, tls=options.get("tls", False))
        g.client = client(g.envoy.port)
        return g

    return start


def seen(servers):
    return [request for server in servers for request in server.seen]


# What works


def test_chat_is_answered_by_the_server_that_was_picked(gateway):
    g = gateway()
    answer = g.client.chat("hi")
    assert answer.status == 200
    assert answer.json()["usage"]["completion_tokens"] == 3
    assert answer.headers["x-went-into-resp-headers"] == "true"
    assert "x-pointsman-decision" not in answer.headers
    [request] = seen(g.servers)
    [server] = [server for server in g.servers if server.seen]
    assert request.headers[DESTINATION] == server.address
    assert request.json() == chat("hi")


def test_chat_is_streamed_token_by_token(gateway):
    g = gateway()
    for server in g.servers:
        server.behave.hold = True
    response = g.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()  # while the server still holds the second token back
    for server in g.servers:
        server.release()
    rest = response.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    assert rest.count(b"data: ") == 4


def test_the_less_loaded_server_is_picked(gateway):
    g = gateway()
    g.servers[0].behave.load = {"running": 30, "waiting": 20, "kv": 0.9}
    g.epp.admin.wait_scraped(g.servers)
    for number in range(10):
        assert g.client.chat(f"request {number}").status == 200
    assert [len(server.seen) for server in g.servers] == [0, 10]


def test_a_half_megabyte_prompt_arrives_unchanged(gateway):
    g = gateway()
    # Odd spacing, a big integer and a repeated key: bytes must survive, not only meaning.
    body = b'{"model" : "m", "seed":12345678901234567890,  "messages":[{"role":"user","content":"' + b"ab \\u00e9" * 60_000
    body += b'"}], "n":1,"n":1}'
    assert len(body) > 500_000
    answer = g.client.post("/v1/chat/completions", body)
    assert answer.status == 200
    [request] = seen(g.servers)
    assert request.body == body
    # Envoy takes the length away when both sides stream; what is left must be right.
    assert request.headers.get("content-length", str(len(body))) == str(len(body))


def test_a_chunked_request_body_arrives_unchanged(gateway):
    g = gateway()
    body = json.dumps(chat("x" * 100_000)).encode()
    parts = [body[at:at + 7001] for at in range(0, len(body), 7001)]
    answer = g.client.request("POST", "/v1/chat/completions", iter(parts))
    assert answer.status == 200
    assert seen(g.servers)[0].body == body


def test_a_request_without_body_goes_to_some_server(gateway):
    g = gateway()
    answer = g.client.get("/v1/models")
    assert answer.status == 200
    assert answer.json()["data"][0]["id"] == "m"
    assert len(seen(g.servers)) == 1


def test_an_error_of_the_model_server_passes_unchanged(gateway):
    g = gateway(count=1)
    g.servers[0].behave.status = 500
    answer = g.client.chat()
    assert answer.status == 500
    assert answer.json() == {"error": {"message": "told to fail", "code": 500}}
    until(lambda: g.epp.admin.metric("llm_d_epp_request_error_total", error_code="ModelServerError") == 1
          or g.epp.admin.metric("llm_d_epp_request_error_total") == 1, "the error is counted")


def test_the_picker_over_tls(gateway):
    g = gateway(count=1, tls=True)
    assert g.client.chat().status == 200
    assert g.envoy.counter("cluster.pointsman.ssl.handshake") >= 1


def test_the_pickers_certificate_comes_from_cert_path(gateway, tmp_path):
    make_certificate(tmp_path, "picker.test")
    g = gateway(count=1, tls=True, args=["--cert-path", tmp_path])
    assert g.client.chat().status == 200
    assert shown(g.epp.port, "h2") == ("picker.test", "h2")


def test_a_new_certificate_is_taken_up_without_a_restart(gateway, tmp_path):
    make_certificate(tmp_path, "first.test")
    g = gateway(count=1, tls=True, args=["--cert-path", tmp_path, "--enable-cert-reload"])
    assert g.client.chat().status == 200
    assert shown(g.epp.port)[0] == "first.test"

    make_certificate(tmp_path, "second.test")
    until(lambda: shown(g.epp.port)[0] == "second.test", "the new certificate is shown")

    (tmp_path / "tls.crt").write_text("not a certificate")
    until(lambda: "the old one stays in service" in g.epp.log(), "the broken one is logged")
    assert shown(g.epp.port)[0] == "second.test"
    assert g.client.chat().status == 200  # Envoy's connection of before is still there
    assert g.epp.log().count("the old one stays in service") == 1


def test_the_decision_id_is_a_response_header_when_asked_for(gateway):
    g = gateway(args=["--decision-header"])
    decision = g.client.chat().headers["x-pointsman-decision"]
    assert len(decision) == 16 and int(decision, 16) >= 0
    assert g.epp.admin.json(f"/decisions/{decision}")["id"] == decision


def test_a_second_request_with_the_same_long_prompt_goes_to_the_same_server(gateway):
    g = gateway(count=4)
    prompt = "once upon a time " * 400
    for _ in range(6):
        assert g.client.chat(prompt).status == 200
    assert sorted(len(server.seen) for server in g.servers) == [0, 0, 0, 6]


def test_endpoints_follow_the_file(gateway, model_servers):
    g = gateway(count=1)
    [new] = model_servers(1)
    assert g.client.chat().status == 200
    write_endpoints(g.epp.endpoints, [new])
    until(lambda: new.scrapes > 0, "the new endpoint is scraped")

    def goes_to_new():
        g.client.chat()
        return len(new.seen) > 0

    until(goes_to_new, "requests go to the new endpoint")
    before = len(g.servers[0].seen)
    assert g.client.chat().status == 200
    assert len(g.servers[0].seen) == before


# Thousands at once


def test_2048_concurrent_streams_complete(gateway):
    g = gateway(count=2)
    for server in g.servers:
        server.behave.tokens = 4
        server.behave.gap = 1.0  # long enough that all of them are open at the same time
    result = many_streams(g.envoy.port, 2048)
    assert (result.complete, result.failures[:3]) == (2048, [])
    assert g.envoy.counter("cluster.model_servers.circuit_breakers.default.rq_open") == 0
    until(lambda: g.epp.admin.metric("llm_d_epp_request_running") == 0, "no request counts as running")


def test_the_soft_file_limit_is_raised_to_the_hard_one(epp, model_servers):
    def low():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    running = epp(model_servers(1), before_exec=low)
    with open(f"/proc/{running.pid}/limits") as limits:
        [line] = [line for line in limits if line.startswith("Max open files")]
    soft, hard = line.split()[3:5]
    assert soft == hard
    assert hard in running.log()


# Aborts


def test_a_client_that_goes_away_is_not_counted_as_running(gateway):
    g = gateway(count=1)
    g.servers[0].behave.hold = True
    response = g.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    until(lambda: g.epp.admin.metric("llm_d_epp_request_running") == 1, "the request runs")
    response.close()
    g.client.close()
    until(lambda: g.epp.admin.metric("llm_d_epp_request_running") == 0, "the request no longer runs")
    until(lambda: g.servers[0].seen[0].aborted, "the model server is told")


def test_a_model_server_that_breaks_off_leaves_nothing_behind(gateway):
    g = gateway(count=1)
    g.servers[0].behave.cut_after = 2
    assert many_streams(g.envoy.port, 1).complete == 0
    g.servers[0].behave.cut_after = None
    assert many_streams(g.envoy.port, 1).complete == 1
    until(lambda: g.epp.admin.metric("llm_d_epp_request_running") == 0, "no request runs")


# Refusals: status, text and header are the reference's


def test_no_endpoint_is_503(gateway):
    g = gateway(count=0)
    answer = g.client.chat()
    assert answer.status == 503
    assert answer.body == (b"inference error: ServiceUnavailable - "
                           b"failed to find endpoint candidates for serving the request")
    assert answer.headers[DROPPED] == "rejected-no-endpoints"
    assert answer.headers["content-type"] == "text/plain"


def test_no_endpoint_for_a_request_without_body_is_503(gateway):
    g = gateway(count=0)
    answer = g.client.get("/v1/models")
    assert answer.status == 503
    assert answer.headers[DROPPED] == "rejected-no-endpoints"


@pytest.mark.parametrize("body", [b"no healthy upstream", b'{"model":"m"', b"[1]", b'"text"', b'{"model":"m",}',
                                  b'{"model":"m","prompt":"x","bad":tru}'])
def test_bad_json_is_400(gateway, body):
    g = gateway(count=1)
    answer = g.client.post("/v1/completions", body)
    assert answer.status == 400
    assert answer.body.startswith(b"inference error: BadRequest - error unmarshaling request bodyMap: ")
    assert seen(g.servers) == []


@pytest.mark.parametrize("path, body, text", [
    ("/v1/chat/completions", {"model": "m", "messages": []},
     "invalid chat completions request: must have valid messages field"),
    ("/v1/completions", {"model": "m"}, "invalid completions request: must have prompt field"),
    ("/v1/completions", {"prompt": "hello world"}, "model not found in request body"),
    ("/v1/embeddings", {"model": "m"}, "invalid embeddings request: must have input field"),
    ("/v1/responses", {"model": "m"}, "invalid responses request: must have input field"),
    ("/v1/messages", {"model": "m", "messages": []}, "invalid messages request: must have at least one message"),
    ("/inference/v1/generate", {"model": "m", "token_ids": []},
     "invalid generate request: must have non-empty token_ids field"),
])
def test_a_request_that_makes_no_sense_is_400(gateway, path, body, text):
    g = gateway(count=1)
    answer = g.client.post(path, body)
    assert (answer.status, answer.body.decode()) == (400, f"inference error: BadRequest - {text}")


def test_a_path_no_parser_knows_is_400(gateway):
    g = gateway(count=1, config={"requestHandler": {"parsers": [{"pluginRef": "openai-parser"}]}})
    answer = g.client.post("/v9/unknown", completion())
    assert answer.status == 400
    assert answer.body == b"inference error: BadRequest - no parser registered matching path suffix for: /v9/unknown"


def test_a_path_no_parser_knows_passes_through_by_default(gateway):
    g = gateway(count=1)
    assert g.client.post("/v9/unknown", b"\x00\x01 not JSON").status == 200
    assert seen(g.servers)[0].body == b"\x00\x01 not JSON"


def test_filters_that_leave_nobody_are_429(gateway):
    selector = {"type": "label-selector-filter", "parameters": {"matchLabels": {"role": "nobody-has-it"}}}
    g = gateway(count=1, config={
        "plugins": [selector, *DEFAULT_PLUGINS],
        "profiles": [{"name": "default", "plugins": [{"pluginRef": "label-selector-filter"},
                                                     {"pluginRef": "queue-scorer"}]}]})
    answer = g.client.chat()
    assert answer.status == 429
    assert answer.body == b"inference error: ResourceExhausted - no endpoints available for the given request"
    assert answer.headers[DROPPED] == "rejected-saturated"


def test_a_conditional_decode_without_cached_prefix_is_412(gateway):
    g = gateway(count=1)
    prompt = "a prompt long enough for some blocks " * 100
    answer = g.client.chat(prompt, headers={"prefer": "if-available"})
    assert (answer.status, answer.body) == (
        412, b"inference error: PreconditionFailed - no decode worker has the requested KV cache")
    assert g.client.chat(prompt).status == 200
    assert g.client.chat(prompt, headers={"prefer": "if-available"}).status == 200


# Headers


def test_router_headers_of_the_client_do_not_reach_the_model_server(gateway):
    g = gateway(count=1)
    forged = {DESTINATION: "127.0.0.1:1", SUBSET: "127.0.0.1:1",
              "x-llm-d-inference-objective": "vip", DROPPED: "no"}
    assert g.client.chat(headers=forged).status == 200
    [request] = seen(g.servers)
    assert request.headers[DESTINATION] == g.servers[0].address
    for name in set(forged) - {DESTINATION}:
        assert name not in request.headers


def test_headers_of_the_client_and_of_the_server_pass_unchanged(gateway):
    g = gateway(count=1)
    answer = g.client.chat(headers={"x-user-data": "kept", "authorization": "Bearer t", "x-request-id": "r-1"})
    assert answer.headers["content-type"].startswith("application/json")
    headers = seen(g.servers)[0].headers
    assert headers["x-user-data"] == "kept"
    assert headers["authorization"] == "Bearer t"


# The process


def test_health_and_admin_follow_the_process(epp, model_servers):
    running = epp(model_servers(1))
    assert running.health("") == "SERVING"
    assert running.health("readiness") == "SERVING"
    assert running.health(port=running.port) == "SERVING"
    assert running.admin.get("/healthz")[0] == 200
    assert running.admin.get("/readyz")[0] == 200
    assert running.process.stop() == 0


def test_an_open_stream_is_finished_before_the_process_ends(gateway):
    g = gateway(count=1)
    g.servers[0].behave.hold = True
    response = g.client.start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    g.epp.process.child.send_signal(signal.SIGTERM)
    until(lambda: not g.epp.process.running() or g.epp.health() != "SERVING", "health no longer says SERVING")
    assert g.epp.process.running()
    g.servers[0].release()
    assert response.read().endswith(b"data: [DONE]\n\n")
    assert g.epp.process.wait_end(40) == 0


def test_metrics_have_the_reference_names(gateway):
    g = gateway(count=1)
    assert g.client.chat().status == 200
    assert g.client.chat(stream=True).status == 200
    metric = g.epp.admin.metric
    until(lambda: metric("llm_d_epp_request_duration_seconds_count") == 2, "both requests are measured")
    assert metric("llm_d_epp_request_total", model_name="m", target_model_name="m", priority="0") == 2
    assert metric("llm_d_epp_request_output_tokens_sum") == 6
    assert metric("llm_d_epp_request_size_bytes_count") == 2
    assert metric("llm_d_epp_plugin_duration_seconds_count", extension_point="Scorer",
                  plugin_type="queue-scorer") == 2
