"""The proxy's side of ext_proc, by hand: sends ProcessingRequests and reads ProcessingResponses one by one."""

import queue

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc

DESTINATION = "x-gateway-destination-endpoint"  # the header that tells Envoy where to
SUBSET_SPACE, SUBSET = "envoy.lb.subset_hint", "x-gateway-destination-endpoint-subset"  # metadata: who may be picked


def header_map(headers: dict) -> base_pb2.HeaderMap:
    def raw(value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else value.encode()

    return base_pb2.HeaderMap(headers=[base_pb2.HeaderValue(key=k, raw_value=raw(v)) for k, v in headers.items()])


def metadata(namespace: str, fields: dict) -> base_pb2.Metadata:
    found = base_pb2.Metadata()
    found.filter_metadata[namespace].update(fields)
    return found


def set_headers(common) -> dict:
    """The headers a response sets, names lower-cased; every value must be in raw_value."""
    found = {}
    for option in common.header_mutation.set_headers:
        assert option.header.value == "", f"{option.header.key} is in `value`"
        assert option.header.key.lower() not in found, f"{option.header.key} is set twice"
        found[option.header.key.lower()] = option.header.raw_value.decode()
    return found


class Transaction:
    """One HTTP transaction: one stream of the Process method."""

    def __init__(self, port: int):
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._out: queue.SimpleQueue = queue.SimpleQueue()
        self._call = ext_proc_grpc.ExternalProcessorStub(self._channel).Process(iter(self._out.get, None), timeout=30)

    def send(self, **fields) -> None:
        self._out.put(ext_proc.ProcessingRequest(**fields))

    def request_headers(self, headers: dict | None = None, end=False, context=None) -> None:
        every = {":method": "POST", ":path": "/v1/completions", ":authority": "test", **(headers or {})}
        self.send(request_headers=ext_proc.HttpHeaders(headers=header_map(every), end_of_stream=end),
                  metadata_context=context)

    def request_body(self, body: bytes, end=True, context=None) -> None:
        self.send(request_body=ext_proc.HttpBody(body=body, end_of_stream=end), metadata_context=context)

    def request_trailers(self) -> None:
        self.send(request_trailers=ext_proc.HttpTrailers())

    def response_headers(self, headers: dict, end=False) -> None:
        self.send(response_headers=ext_proc.HttpHeaders(headers=header_map(headers), end_of_stream=end))

    def response_body(self, body: bytes, end: bool) -> None:
        self.send(response_body=ext_proc.HttpBody(body=body, end_of_stream=end))

    def response_trailers(self) -> None:
        self.send(response_trailers=ext_proc.HttpTrailers())

    def receive(self) -> ext_proc.ProcessingResponse:
        return next(self._call)

    def routed(self) -> tuple[ext_proc.ProcessingResponse, bytes, list[int]]:
        """The request-headers response, then the whole request body, and the size of each of its chunks."""
        head = self.receive()
        assert head.WhichOneof("response") == "request_headers", head
        body, sizes, end = b"", [], False
        while not end:
            message = self.receive()
            assert message.WhichOneof("response") == "request_body", message
            chunk = message.request_body.response.body_mutation.streamed_response
            body, end = body + chunk.body, chunk.end_of_stream
            sizes.append(len(chunk.body))
        return head, body, sizes

    def answered(self, until_trailers=False) -> tuple[ext_proc.ProcessingResponse, list[bytes]]:
        """The response-headers response, then the body in pieces to its end, or to the trailers behind it."""
        head = self.receive()
        assert head.WhichOneof("response") == "response_headers", head
        pieces, end = [], False
        while not end:
            message = self.receive()
            if message.WhichOneof("response") == "response_trailers":
                assert until_trailers, "trailers where the body should end by itself"
                break
            chunk = message.response_body.response.body_mutation.streamed_response
            assert not (until_trailers and chunk.end_of_stream), "the end before the trailers"
            pieces.append(chunk.body)
            end = chunk.end_of_stream
        return head, pieces

    def rejected(self) -> ext_proc.ImmediateResponse:
        message = self.receive()
        assert message.WhichOneof("response") == "immediate_response", message
        assert self.ended() == grpc.StatusCode.OK
        return message.immediate_response

    def half_close(self) -> None:
        self._out.put(None)

    def cancel(self) -> None:
        self._call.cancel()

    def ended(self) -> grpc.StatusCode:
        """The stream's status, once the server has closed it."""
        for _ in self._call:
            raise AssertionError("a message where the end of the stream was expected")
        return self._call.code()

    def close(self) -> None:
        self.half_close()
        self._channel.close()
