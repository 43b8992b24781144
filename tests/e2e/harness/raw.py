"""HTTP/1 as bytes: clients that send what no library would, servers that answer so, and curl."""

import json
import socket
import subprocess
import threading


def exchange(port: int, *pieces: bytes, quiet: float = 2.0, must_close: bool = False) -> bytes:
    """What comes back for these bytes until the router closes or is silent for `quiet` seconds; with `must_close` that
    silence is an error."""
    back = b""
    with socket.create_connection(("127.0.0.1", port), timeout=quiet) as link:
        try:
            for piece in pieces:
                link.sendall(piece)
            while part := link.recv(65536):
                back += part
        except ConnectionError:  # it closed while we were still talking
            pass
        except TimeoutError:
            if must_close:
                raise
    return back


def body_of(answer: bytes):
    """The JSON behind the head."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def curl(*args, **options) -> str:
    return subprocess.run(["curl", "-sS", "--max-time", "15", *args], capture_output=True, text=True, check=True,
                          **options).stdout


class RawServer:
    """Listens on a free port and hands each connection to serve(), with the bytes up to the end of the first head, on
    a thread of its own."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._run, daemon=True).start()

    def serve(self, link: socket.socket, head: bytes) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self.socket.close()

    def _run(self) -> None:
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(link,), daemon=True).start()

    def _greet(self, link: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := link.recv(65536)):
                return link.close()
            head += part
        self.serve(link, head)
