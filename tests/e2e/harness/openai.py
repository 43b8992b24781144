"""A client for OpenAI-compatible servers: one request at a time, or thousands of streams at once."""

import asyncio
import http.client
import json
from dataclasses import dataclass, field

import aiohttp


def chat(prompt: str = "hello", model: str = "m", **extra) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **extra}


def completion(prompt: str = "hello", model: str = "m", **extra) -> dict:
    return {"model": model, "prompt": prompt, **extra}


@dataclass
class Answer:
    status: int
    headers: dict  # names lower-cased
    body: bytes

    def json(self):
        return json.loads(self.body)

    def events(self) -> list[str]:
        """The data of each server-sent event."""
        return [part[len("data: "):] for part in self.body.decode().split("\n\n") if part.startswith("data: ")]


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 30.0):
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def start(self, method: str, path: str, body=None, headers: dict | None = None) -> http.client.HTTPResponse:
        """Sends a request and returns when the answer's headers are there."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        # An iterator goes out chunked, as it comes.
        self.connection.request(method, path, body, {"content-type": "application/json", **(headers or {})})
        return self.connection.getresponse()

    def request(self, method: str, path: str, body=None, headers: dict | None = None) -> Answer:
        response = self.start(method, path, body, headers)
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def post(self, path: str, body, headers: dict | None = None) -> Answer:
        return self.request("POST", path, body, headers)

    def get(self, path: str, headers: dict | None = None) -> Answer:
        return self.request("GET", path, None, headers)

    def chat(self, prompt: str = "hello", headers: dict | None = None, **extra) -> Answer:
        return self.post("/v1/chat/completions", chat(prompt, **extra), headers)

    def close(self) -> None:
        self.connection.close()


@dataclass
class Swarm:
    complete: int = 0
    failures: list[str] = field(default_factory=list)


def many_streams(port: int, count: int, timeout: float = 120.0) -> Swarm:
    """`count` streamed chats open at the same time. A stream is complete when its last event is [DONE]."""
    result = Swarm()

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        try:
            body = chat(f"request {number}", stream=True)
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as answer:
                text = await answer.read()
            if answer.status == 200 and text.endswith(b"data: [DONE]\n\n"):
                result.complete += 1
            else:
                result.failures.append(f"{number}: {answer.status} {text[-200:]!r}")
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            result.failures.append(f"{number}: {error!r}")

    async def all_of_them() -> None:
        limits = aiohttp.ClientTimeout(total=timeout)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=limits) as session:
            await asyncio.gather(*(one(session, number) for number in range(count)))

    asyncio.run(all_of_them())
    return result
