"""The least ext_proc server that routes: proves the Envoy configuration and the harness without Pointsman."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc

from .ext_proc import DESTINATION


def _body(kind: str, data: bytes, end: bool) -> ext_proc.ProcessingResponse:
    streamed = ext_proc.StreamedBodyResponse(body=data, end_of_stream=end)
    common = ext_proc.CommonResponse(body_mutation=ext_proc.BodyMutation(streamed_response=streamed))
    return ext_proc.ProcessingResponse(**{kind: ext_proc.BodyResponse(response=common)})


class ToyPicker(ext_proc_grpc.ExternalProcessorServicer):
    """Sends every request to `destination`, bodies unchanged; the whole request body is gathered first."""

    def __init__(self, destination: str):
        self.destination = destination
        self.chunks = 0
        self._server = grpc.server(ThreadPoolExecutor(16))
        ext_proc_grpc.add_ExternalProcessorServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    def _route(self) -> ext_proc.ProcessingResponse:
        header = base_pb2.HeaderValue(key=DESTINATION, raw_value=self.destination.encode())
        mutation = ext_proc.HeaderMutation(set_headers=[base_pb2.HeaderValueOption(header=header)])
        common = ext_proc.CommonResponse(header_mutation=mutation, clear_route_cache=True)
        return ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse(response=common))

    def Process(self, messages, context):  # noqa: N802, the name is the protocol's
        gathered = b""
        for message in messages:
            kind = message.WhichOneof("request")
            if kind == "request_headers" and message.request_headers.end_of_stream:
                yield self._route()
            elif kind == "request_body":
                self.chunks += 1
                gathered += message.request_body.body
                if message.request_body.end_of_stream:
                    yield self._route()
                    for at in range(0, max(len(gathered), 1), 62000):
                        yield _body("request_body", gathered[at:at + 62000], at + 62000 >= len(gathered))
            elif kind == "response_headers":
                yield ext_proc.ProcessingResponse(response_headers=ext_proc.HeadersResponse())
            elif kind == "response_body":
                yield _body("response_body", message.response_body.body, message.response_body.end_of_stream)
            elif kind == "response_trailers":
                yield ext_proc.ProcessingResponse(response_trailers=ext_proc.TrailersResponse())
