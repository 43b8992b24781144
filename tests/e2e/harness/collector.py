"""An OTLP receiver from the official protocol definitions: gRPC and HTTP/protobuf on free ports."""

import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service_grpc

from .wait import until


def plain(value):
    """An AnyValue as a Python value. Integers, doubles and booleans stay what they were on the wire."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def attributes(pairs) -> dict:
    found = {pair.key: plain(pair.value) for pair in pairs}
    assert len(found) == len(pairs), f"an attribute key twice: {[pair.key for pair in pairs]}"
    return found


@dataclass
class Span:
    """One received span with what it was wrapped in. `raw` is the protobuf message itself."""

    raw: object
    resource: dict
    resource_schema: str
    scope: str
    scope_version: str
    scope_attributes: dict
    attributes: dict = field(init=False)

    def __post_init__(self):
        self.attributes = attributes(self.raw.attributes)

    @property
    def name(self) -> str:
        return self.raw.name

    @property
    def trace_id(self) -> str:
        return self.raw.trace_id.hex()

    @property
    def id(self) -> str:
        return self.raw.span_id.hex()

    @property
    def parent(self) -> str:
        """Span id of the parent, empty for a root."""
        return self.raw.parent_span_id.hex()

    @property
    def events(self) -> list[tuple[str, dict]]:
        return [(event.name, attributes(event.attributes)) for event in self.raw.events]


class Collector:
    """Records every span it gets. `fail(n)` makes it answer the next n exports with UNAVAILABLE / 503;
    `hold()` lets exports wait until `release()`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self._failures = 0
        self._open = threading.Event()
        self._open.set()
        self.requests: list[dict] = []  # metadata or HTTP headers of each export, keys lower-cased
        self._start_grpc()
        self._start_http()

    # What the tests ask

    def spans(self, name: str | None = None, trace_id: str | None = None) -> list[Span]:
        with self._lock:
            return [s for s in self._spans if (name is None or s.name == name)
                    and (trace_id is None or s.trace_id == trace_id)]

    def wait_for(self, name: str, count: int = 1, trace_id: str | None = None, timeout: float = 15.0) -> list[Span]:
        return until(lambda: (found := self.spans(name, trace_id)) and len(found) >= count and found,
                     f"{count} span(s) {name} at the collector", timeout)

    def fail(self, times: int) -> None:
        with self._lock:
            self._failures = times

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def stop(self) -> None:
        self.release()
        self._grpc.stop(0).wait()
        self._http.shutdown()
        self._http.server_close()

    # The two wires

    def _take(self, request, headers: dict) -> bool:
        self._open.wait(60)
        with self._lock:
            self.requests.append(headers)
            if self._failures > 0:
                self._failures -= 1
                return False
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self._spans += [
                        Span(raw, attributes(resource.resource.attributes), resource.schema_url, scope.scope.name,
                             scope.scope.version, attributes(scope.scope.attributes)) for raw in scope.spans]
        return True

    def _start_grpc(self) -> None:
        collector = self

        class TraceService(service_grpc.TraceServiceServicer):
            def Export(self, request, context):  # noqa: N802, the name is the protocol's
                if not collector._take(request, dict(context.invocation_metadata())):
                    context.abort(grpc.StatusCode.UNAVAILABLE, "told to fail")
                return service.ExportTraceServiceResponse()

        self._grpc = grpc.server(ThreadPoolExecutor(8))
        service_grpc.add_TraceServiceServicer_to_server(TraceService(), self._grpc)
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()

    def _start_http(self) -> None:
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802, the name is http.server's
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = 404, b""
                if self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf":
                    request = service.ExportTraceServiceRequest.FromString(body)
                    headers = {key.lower(): value for key, value in self.headers.items()}
                    status = 200 if collector._take(request, headers) else 503
                    answer = service.ExportTraceServiceResponse().SerializeToString()
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.http_port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
