"""An open-loop client: requests start when planned, however many are still open. Counts what came back."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

BYTES_PER_TOKEN = 4.5
WORDS = [f"{a}{b}" for a in ("lo", "mi", "ra", "te", "su", "no", "ka", "vi") for b in ("na", "rem", "dol", "sit", "ut", "per")]
TEXT = " ".join(random.Random(1).choices(WORDS, k=250_000))


@dataclass
class Shape:
    """What one request looks like and how often it comes."""

    name: str
    prompt_tokens: int
    output_tokens: int
    stream: bool
    per_second: float
    seconds: float

    def body(self, number: int) -> bytes:
        """Distinct from its first words on, so that no prefix cache helps."""
        size = int(self.prompt_tokens * BYTES_PER_TOKEN)
        at = random.Random(number).randrange(len(TEXT) - size - 1)
        prompt = f"{number} {TEXT[at:at + size]}"
        return json.dumps({"model": "m", "stream": self.stream, "max_tokens": self.output_tokens,
                           "messages": [{"role": "user", "content": prompt}]}).encode()


@dataclass
class Result:
    planned: int = 0
    complete: int = 0
    chunks: int = 0
    errors: list[str] = field(default_factory=list)
    first_token: list[float] = field(default_factory=list)  # seconds from start of the request
    late: list[float] = field(default_factory=list)  # seconds from the planned to the real start

    def busy(self) -> bool:
        """Whether the machine had no time for the client: then messages pile up and cost less than they should."""
        return sorted(self.late)[len(self.late) // 2] > 0.005

    def first_token_ms(self, quantile: float) -> float:
        ordered = sorted(self.first_token)
        return 1e3 * ordered[int(quantile * (len(ordered) - 1))] if ordered else float("nan")


class Connection(asyncio.Protocol):
    """One request at a time; put back into the pool when its answer was complete."""

    def connection_made(self, transport):
        self.transport = transport
        self.done = None

    def begin(self, request: bytes) -> asyncio.Future:
        self.done = asyncio.get_running_loop().create_future()
        self.began, self.first, self.chunks, self.tail, self.left = time.monotonic(), None, 0, b"", None
        self.transport.write(request)
        return self.done

    def data_received(self, data: bytes):
        if self.done is None or self.done.done():
            return
        if self.left is not None:
            self.left -= len(data)
        else:
            data = self.tail + data
            if self.first is None:
                head, found, body = data.partition(b"\r\n\r\n")
                if not found:
                    self.tail = data
                    return
                lower = head.lower()
                if not head.startswith(b"HTTP/1.1 200"):
                    return self.finish(head.split(b"\r\n")[0].decode() + " " + body[:200].decode(errors="replace"))
                self.first, data = 0.0, body
                if b"content-length:" in lower:
                    self.left = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
                    self.first = time.monotonic() - self.began
            if self.left is None:
                if self.first == 0.0 and data:
                    self.first = time.monotonic() - self.began
                self.chunks += data.count(b"data: {")
                if data.endswith(b"\r\n0\r\n\r\n"):
                    return self.finish(None)
                # What may be the start of the next marker or of the end.
                self.tail = data[-6:] if b"data: {" not in data[-6:] else b""
        if self.left is not None and self.left <= 0:
            self.finish(None)

    def finish(self, error: str | None):
        if not self.done.done():
            self.done.set_result(error)

    def connection_lost(self, error):
        if self.done is not None:
            self.finish(f"connection lost: {error}")


async def run(shape: Shape, port: int, seed: int) -> Result:
    loop, result, idle = asyncio.get_running_loop(), Result(), []
    start = loop.time() + 0.05

    async def one(number: int, body: bytes) -> None:
        head = (f"POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
                f"x-tokens: {shape.output_tokens}\r\nx-stream: {int(shape.stream)}\r\ncontent-length: {len(body)}\r\n\r\n")
        try:
            connection = idle.pop() if idle else None
            if connection is None or connection.transport.is_closing():
                _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
            error = await asyncio.wait_for(connection.begin(head.encode() + body), 60)
        except (OSError, asyncio.TimeoutError) as failure:
            error = repr(failure)
        if error:
            result.errors.append(f"{number}: {error}")
            return
        idle.append(connection)
        result.complete += 1
        result.chunks += connection.chunks
        result.first_token.append(connection.first)

    tasks = []
    for number in range(int(shape.per_second * shape.seconds)):
        body = shape.body(seed + number)
        await asyncio.sleep(max(0.0, start + number / shape.per_second - loop.time()))
        result.late.append(loop.time() - (start + number / shape.per_second))
        tasks.append(asyncio.ensure_future(one(number, body)))
        result.planned += 1
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.transport.close()
    return result
