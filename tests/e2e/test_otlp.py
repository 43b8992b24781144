"""Traces as a collector receives them, from a request through a real Envoy, over both OTLP protocols."""

import random
import time

import pytest

from harness.process import free_port
from harness.wait import until

SPANS = ["gateway.request", "gateway.request_orchestration", "run_scheduler_profile", "filter_endpoints",
         "llm_d.epp.scoring", "llm_d.epp.scorer.queue-scorer", "llm_d.epp.scorer.kv-cache-utilization-scorer",
         "llm_d.epp.scorer.prefix-cache-scorer", "pick_endpoints"]
PARENT_OF = {
    "gateway.request_orchestration": "gateway.request",
    "run_scheduler_profile": "gateway.request_orchestration",
    "filter_endpoints": "run_scheduler_profile",
    "llm_d.epp.scoring": "run_scheduler_profile",
    "pick_endpoints": "run_scheduler_profile",
    **{name: "llm_d.epp.scoring" for name in SPANS if name.startswith("llm_d.epp.scorer.")},
}
SCHEDULING = "llm-d-router/pkg/epp/scheduling"
INTERNAL, SERVER = 1, 2  # Span.SpanKind


def export_to(collector, protocol: str, **more) -> dict:
    port = collector.grpc_port if protocol == "grpc" else collector.http_port
    return {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_TRACES_SAMPLER_ARG": "1", **more}


def traceparent(flags="01") -> tuple[str, str, str]:
    """A header of a random trace, its trace id and its span id."""
    trace, span = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
    return f"00-{trace}-{span}-{flags}", trace, span


@pytest.fixture
def traced(model_servers, epp, envoy, client):
    """traced(env) -> the picker behind Envoy; .client, .servers, .epp."""

    class Traced:
        pass

    def start(env, **options):
        t = Traced()
        t.servers = model_servers(2)
        t.epp = epp(t.servers, env=env, **options)
        t.client = client(envoy(t.epp.port).port)
        return t

    return start


def upstream_traceparent(t) -> list[str]:
    [request] = [request for server in t.servers for request in server.seen]
    return request.headers["traceparent"].split("-")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_one_request_is_one_trace_from_client_to_model_server(traced, collector, protocol):
    t = traced(export_to(collector, protocol))
    header, trace, caller = traceparent()
    answer = t.client.chat("hi", headers={"traceparent": header})
    assert answer.status == 200
    [request_id] = [request.headers["x-request-id"] for server in t.servers for request in server.seen]  # Envoy's

    [root] = collector.wait_for("gateway.request", trace_id=trace)
    until(lambda: len(collector.spans(trace_id=trace)) >= len(SPANS), "every span")
    spans = collector.spans(trace_id=trace)
    assert sorted(span.name for span in spans) == sorted(SPANS)
    by_name = {span.name: span for span in spans}

    # The parent comes from the client, the trace goes on at the model server.
    assert root.parent == caller
    assert upstream_traceparent(t) == ["00", trace, root.id, "01"]
    for name, parent in PARENT_OF.items():
        assert by_name[name].parent == by_name[parent].id, name

    # Flags: sampled, "parent's remoteness is known", and only the root's parent is remote.
    assert root.raw.flags == 0x301
    assert {span.raw.flags for span in by_name.values() if span is not root} == {0x101}

    # Kinds, scopes, times.
    for name, span in by_name.items():
        assert span.raw.kind == (SERVER if name.startswith("gateway.") else INTERNAL), name
        assert "commit-sha" in span.scope_attributes
        assert span.raw.end_time_unix_nano >= span.raw.start_time_unix_nano > 0
        assert span.raw.status.code == 0
        assert span.events == []
        if span is not root:
            outer = by_name[PARENT_OF[name]].raw
            assert outer.start_time_unix_nano <= span.raw.start_time_unix_nano
            assert span.raw.end_time_unix_nano <= outer.end_time_unix_nano
    assert abs(root.raw.start_time_unix_nano / 1e9 - time.time()) < 30
    assert root.scope == "llm-d-router/pkg/epp/handlers"
    assert by_name["gateway.request_orchestration"].scope == "llm-d-router/pkg/epp/requestcontrol"
    assert {by_name[name].scope for name in SPANS[2:]} == {SCHEDULING}

    # Attributes, with the types of the wire.
    assert by_name["gateway.request_orchestration"].attributes == {"target_model": "m", "request_prio": 0}
    assert by_name["run_scheduler_profile"].attributes == {"llm_d.epp.scheduling.profile.name": "default"}
    request = {"gen_ai.request.model": "m", "gen_ai.request.id": request_id}
    assert by_name["filter_endpoints"].attributes == {
        "llm_d.epp.filter.candidate_endpoints": 2, "llm_d.epp.filter.filtered_endpoints": 2, **request}
    assert by_name["llm_d.epp.scoring"].attributes == {
        "llm_d.epp.scorer.count": 3, "llm_d.epp.scoring.candidate_endpoints": 2, **request}
    queue = by_name["llm_d.epp.scorer.queue-scorer"].attributes
    assert queue == {"llm_d.epp.scorer.type": "queue-scorer", "llm_d.epp.scorer.name": "queue-scorer",
                     "llm_d.epp.scorer.weight": 2.0, "llm_d.epp.scorer.candidate_endpoints": 2,
                     "llm_d.epp.scorer.score.max": 1.0, "llm_d.epp.scorer.score.avg": 1.0,
                     "llm_d.epp.scorer.endpoints_scored": 2}
    assert isinstance(queue["llm_d.epp.scorer.weight"], float)
    assert isinstance(queue["llm_d.epp.scorer.endpoints_scored"], int)
    pick = by_name["pick_endpoints"].attributes
    assert pick["llm_d.epp.picker.candidate_endpoints"] == 2
    assert pick["llm_d.epp.picker.selected_endpoints"] == 1
    assert pick["llm_d.epp.picker.top_endpoints"] == ["default/s0", "default/s1"]
    assert pick["llm_d.epp.picker.top_scores"] == [4.0, 4.0]


def test_the_resource_is_what_the_environment_says_and_nothing_of_the_sdk(traced, collector):
    t = traced(export_to(collector, "grpc", OTEL_SERVICE_NAME="my-epp",
                         OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=p%201, broken ,service.name=lost"))
    assert t.client.chat().status == 200
    [span] = collector.wait_for("gateway.request")
    assert span.resource_schema == "https://opentelemetry.io/schemas/1.37.0"
    assert span.resource["service.name"] == "my-epp"
    assert span.resource["k8s.pod.name"] == "p 1"
    assert set(span.resource) == {"service.name", "service.version", "k8s.pod.name"}


def test_a_request_that_the_client_did_not_sample_leaves_no_span_but_keeps_its_trace(traced, collector):
    t = traced(export_to(collector, "grpc"))
    header, trace, caller = traceparent(flags="00")
    assert t.client.chat(headers={"traceparent": header}).status == 200
    version, upstream_trace, span, flags = upstream_traceparent(t)
    assert (version, upstream_trace, flags) == ("00", trace, "00")
    assert span != caller
    # A later, sampled request proves that the earlier one had its chance to arrive.
    header, later, _ = traceparent()
    assert t.client.chat(headers={"traceparent": header}).status == 200
    collector.wait_for("gateway.request", trace_id=later)
    assert collector.spans(trace_id=trace) == []


@pytest.mark.parametrize("header", ["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra"])
def test_an_invalid_traceparent_starts_a_new_trace(traced, collector, header):
    t = traced(export_to(collector, "grpc"))
    assert t.client.chat(headers={"traceparent": header}).status == 200
    [span] = collector.wait_for("gateway.request")
    assert span.parent == ""
    assert span.trace_id != "0af7651916cd43dd8448eb211c80319c"
    assert upstream_traceparent(t)[1:3] == [span.trace_id, span.id]
    assert span.raw.flags == 0x101


def test_the_random_flag_travels(traced, collector):
    t = traced(export_to(collector, "grpc"))
    header, trace, _ = traceparent(flags="03")
    assert t.client.chat(headers={"traceparent": header}).status == 200
    [root] = collector.wait_for("gateway.request", trace_id=trace)
    assert upstream_traceparent(t)[3] == "03"
    assert root.raw.flags == 0x303
    assert collector.wait_for("pick_endpoints", trace_id=trace)[0].raw.flags == 0x103


def test_tracestate_and_baggage_travel(traced, collector):
    t = traced(export_to(collector, "grpc"))
    header, trace, _ = traceparent()
    sent = {"traceparent": header, "tracestate": "vendor=1,other=2", "baggage": "user=7"}
    assert t.client.chat(headers=sent).status == 200
    [request] = [request for server in t.servers for request in server.seen]
    assert request.headers["tracestate"] == "vendor=1,other=2"
    assert request.headers["baggage"] == "user=7"
    assert collector.wait_for("gateway.request", trace_id=trace)[0].raw.trace_state == "vendor=1,other=2"


def test_a_refused_request_has_error_status_and_an_exception_event(traced, collector):
    t = traced(export_to(collector, "grpc"))
    header, trace, _ = traceparent()
    answer = t.client.post("/v1/completions", {"prompt": "no model"}, {"traceparent": header})
    assert answer.status == 400
    [span] = collector.wait_for("gateway.request_orchestration", trace_id=trace)
    text = "inference error: BadRequest - model not found in request body"
    assert (span.raw.status.code, span.raw.status.message) == (2, text)
    [(name, attributes)] = span.events
    assert name == "exception"
    assert attributes == {"exception.type": "github.com/llm-d/llm-d-router/pkg/common/error.Error",
                          "exception.message": text}
    [root] = collector.wait_for("gateway.request", trace_id=trace)
    assert (root.raw.status.code, root.raw.status.message) == (2, text)


def test_an_error_of_the_model_server_marks_the_root(traced, collector):
    t = traced(export_to(collector, "grpc"))
    for server in t.servers:
        server.behave.status = 500
    assert t.client.chat().status == 500
    [root] = collector.wait_for("gateway.request")
    assert (root.raw.status.code, root.raw.status.message) == (2, "ModelServerError")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_exporter_headers_reach_the_collector(traced, collector, protocol):
    t = traced(export_to(collector, protocol,
                         OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20test-token,x-tenant=llm-d"))
    assert t.client.chat().status == 200
    collector.wait_for("gateway.request")
    assert collector.requests[0]["authorization"] == "Bearer test-token"
    assert collector.requests[0]["x-tenant"] == "llm-d"


def test_an_https_endpoint_is_never_downgraded(traced, collector):
    port = collector.grpc_port
    t = traced({**export_to(collector, "grpc"), "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{port}"})
    assert t.client.chat().status == 200
    assert t.epp.process.stop() == 0  # flushes within a bound
    assert collector.spans() == []


def test_insecure_overrides_the_scheme(traced, collector):
    t = traced({**export_to(collector, "grpc"), "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{collector.grpc_port}",
                "OTEL_EXPORTER_OTLP_INSECURE": "true"})
    assert t.client.chat().status == 200
    collector.wait_for("gateway.request")


def test_a_failed_export_is_tried_again(traced, collector):
    collector.fail(1)
    t = traced(export_to(collector, "grpc"))
    assert t.client.chat().status == 200
    collector.wait_for("gateway.request", timeout=20)
    assert len(collector.spans("gateway.request")) == 1


def test_a_dead_collector_delays_nobody_and_not_the_end_either(traced, collector):
    t = traced({**export_to(collector, "grpc"), "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    for _ in range(200):
        began = time.monotonic()
        assert t.client.chat().status == 200
        assert time.monotonic() - began < 2
    began = time.monotonic()
    assert t.epp.process.stop(grace=20) == 0
    assert time.monotonic() - began < 15


def test_a_slow_collector_costs_spans_that_are_counted_and_no_memory(traced, collector):
    t = traced(export_to(collector, "grpc", OTEL_BSP_MAX_QUEUE_SIZE="64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="16"))
    collector.hold()
    for _ in range(200):  # 1,800 spans, far more than the queue holds
        assert t.client.chat().status == 200

    def dropped():
        page = t.epp.admin.get("/metrics")[1]
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines()
                   if not line.startswith("#") and "drop" in line.split("{")[0] and "pointsman" in line)

    assert until(dropped, "dropped spans are counted") > 0
    collector.release()
    collector.wait_for("gateway.request")


def test_without_an_exporter_ids_propagate_and_one_line_says_so(traced, collector):
    t = traced({"OTEL_TRACES_EXPORTER": ""})
    header, trace, caller = traceparent()
    assert t.client.chat(headers={"traceparent": header}).status == 200
    _, upstream_trace, span, _ = upstream_traceparent(t)
    assert upstream_trace == trace
    assert span != caller
    assert "OTEL_TRACES_EXPORTER" in t.epp.log()
    assert collector.spans() == []


def test_with_tracing_off_the_clients_headers_pass_unchanged(traced, collector):
    t = traced(export_to(collector, "grpc"), args=["--tracing=false"])
    header, _, _ = traceparent()
    assert t.client.chat(headers={"traceparent": header}).status == 200
    assert "-".join(upstream_traceparent(t)) == header
    assert t.epp.process.stop() == 0
    assert collector.spans() == []


def test_console_prints_spans(traced):
    t = traced({"OTEL_TRACES_EXPORTER": "console", "OTEL_TRACES_SAMPLER_ARG": "1", "OTEL_BSP_SCHEDULE_DELAY": "50"})
    header, trace, _ = traceparent()
    assert t.client.chat(headers={"traceparent": header}).status == 200
    until(lambda: "pick_endpoints" in t.epp.log() and trace in t.epp.log(), "the span on standard output")


def test_serve_exports_when_an_exporter_is_named(serve, model_servers, client, collector):
    servers = model_servers(2)
    running = serve(servers, env=export_to(collector, "grpc"))
    header, trace, caller = traceparent()
    assert client(running.port).chat(headers={"traceparent": header}).status == 200
    [root] = collector.wait_for("gateway.request", trace_id=trace)
    assert root.parent == caller
    [request] = [request for server in servers for request in server.seen]
    assert request.headers["traceparent"] == f"00-{trace}-{root.id}-01"
    until(lambda: len(collector.spans(trace_id=trace)) == len(SPANS), "the whole tree")


def test_serve_does_not_trace_by_default(serve, model_servers, client):
    servers = model_servers(1)
    running = serve(servers)
    header, _, _ = traceparent()
    assert client(running.port).chat(headers={"traceparent": header}).status == 200
    assert servers[0].seen[0].headers["traceparent"] == header
