"""A server of HTTP/2 without TLS, and of nothing else, on the h2 library."""

import socket
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
from h2.errors import ErrorCodes

from .raw import RawServer


@dataclass
class Request:
    stream: int
    headers: dict
    body: bytes = b""
    trailers: dict = field(default_factory=dict)
    reset: int | None = None  # the error with which the client gave up


class H2Server(RawServer):
    """Does to each request what `does` says: "answer" it, with `trailers` if there are any; "refuse" the stream; "leave"
    with a GOAWAY that says it was not seen; or "hang"."""

    def __init__(self, does: str = "answer", streams: int = 100):
        self.does = does
        self.streams = streams
        self.trailers: list[tuple[str, str]] = []
        self.status = "200"
        self.seen: list[Request] = []
        self.connections = 0
        super().__init__()
        self.url = f"h2c://127.0.0.1:{self.port}"

    def serve(self, link: socket.socket, head: bytes) -> None:
        self.connections += 1
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.local_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = self.streams
        connection.initiate_connection()
        open_ones: dict[int, Request] = {}
        try:
            while head:
                for event in connection.receive_data(head):
                    self._hear(connection, open_ones, event)
                link.sendall(connection.data_to_send())
                head = link.recv(65536)
        except (OSError, h2.exceptions.ProtocolError):  # the client is gone, or speaks after our GOAWAY
            pass
        link.close()

    def _hear(self, connection, open_ones: dict[int, Request], event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            open_ones[event.stream_id] = Request(event.stream_id, dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            open_ones[event.stream_id].body += event.data
        elif isinstance(event, h2.events.TrailersReceived):
            open_ones[event.stream_id].trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            open_ones[event.stream_id].reset = event.error_code
        elif isinstance(event, h2.events.StreamEnded):
            self._act(connection, open_ones[event.stream_id])

    def _act(self, connection, request: Request) -> None:
        if request.headers[":path"] in ("/metrics", "/v1/models"):
            connection.send_headers(request.stream, [(":status", "404")], end_stream=True)
            return
        self.seen.append(request)
        if self.does == "refuse":
            connection.reset_stream(request.stream, ErrorCodes.REFUSED_STREAM)
        elif self.does == "leave":
            connection.close_connection(ErrorCodes.NO_ERROR, last_stream_id=max(0, request.stream - 2))
        elif self.does == "answer":
            connection.send_headers(request.stream, [(":status", self.status), ("content-type", "application/json")])
            connection.send_data(request.stream, b'{"object":"h2"}', end_stream=not self.trailers)
            if self.trailers:
                connection.send_headers(request.stream, self.trailers, end_stream=True)
