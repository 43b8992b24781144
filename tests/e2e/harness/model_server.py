"""A tiny fake of an OpenAI-compatible model server with vLLM's metrics, told by the test how to behave."""

import asyncio
import json
import threading
from dataclasses import dataclass, field

from aiohttp import web

METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{model_name="m"}} {running}
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{model_name="m"}} {waiting}
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{{model_name="m"}} {kv}
# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{{block_size="16",num_gpu_blocks="2000"}} 1
# HELP vllm:lora_requests_info Running stats on lora requests.
# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{{max_lora="1",running_lora_adapters="{adapters}",waiting_lora_adapters=""}} 1
"""


@dataclass
class Seen:
    """A request as the model server got it. Header names are lower-cased; the last of several lines wins."""

    method: str
    path: str
    headers: dict
    body: bytes
    finished: bool = False  # the answer went out whole
    aborted: bool = False  # the peer went away before

    def json(self):
        return json.loads(self.body)


@dataclass
class Behaviour:
    status: int = 200
    tokens: int = 3
    delay: float = 0.0  # seconds before the answer
    gap: float = 0.0  # seconds between streamed tokens
    cut_after: int | None = None  # close the connection after so many streamed tokens
    hold: bool = False  # wait for release() before every streamed token but the first
    padding: int = 0  # bytes added to every streamed token
    word: str = "tok"  # what a whole answer consists of
    message: str = "told to fail"  # of an error
    metrics: str | None = None  # text in place of the real page; "" answers 500
    models: list[str] | None = None  # told to a router that asks for /v1/models; None: it gets a 404
    load: dict = field(default_factory=lambda: {"running": 0, "waiting": 0, "kv": 0.0})
    adapters: str = ""  # LoRA adapters in use, comma-joined


class ModelServer:
    """Listens on `port` (0: a free one) of a loopback address. Change `behave` at any time; read `seen`."""

    def __init__(self, model: str = "m", port: int = 0, host: str = "127.0.0.1"):
        self.model = model
        self.host = host
        self.port = port
        self.behave = Behaviour()
        self.seen: list[Seen] = []
        self.scrapes = 0
        self.polls: list[dict] = []  # headers of each of the router's questions for models
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    def stop(self) -> None:
        """Closes the listener and every connection; later connects are refused."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    async def _close(self) -> None:
        await self._site.stop()
        await self._runner.cleanup()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        started.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/v1/models", self._models)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self.host, self.port, backlog=4096)
        await self._site.start()
        self.port = self._site._server.sockets[0].getsockname()[1]

    async def _metrics(self, _request) -> web.Response:
        self.scrapes += 1
        text = self.behave.metrics
        if text is None:
            text = METRICS.format(adapters=self.behave.adapters, **self.behave.load)
        return web.Response(text=text, status=200 if text else 500)

    async def _models(self, request) -> web.Response:
        if request.headers.get("user-agent") == "pointsman":
            self.polls.append({k.lower(): v for k, v in request.headers.items()})
            if self.behave.models is None:
                raise web.HTTPNotFound()
        else:
            self._record(request, b"")
        names = self.behave.models or [self.model]
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    def _record(self, request, body: bytes) -> Seen:
        seen = Seen(request.method, request.path_qs, {k.lower(): v for k, v in request.headers.items()}, body)
        self.seen.append(seen)
        return seen

    async def _answer(self, request) -> web.StreamResponse:
        behave = self.behave
        seen = self._record(request, await request.read())
        try:
            await asyncio.sleep(behave.delay)
            if behave.status != 200:
                return web.json_response({"error": {"message": behave.message, "code": behave.status}},
                                         status=behave.status)
            parsed = seen.json() if seen.body[:1] == b"{" else {}
            if parsed.get("stream"):
                return await self._stream(request, seen, behave)
            seen.finished = True
            return web.json_response(self._whole(seen, parsed, behave))
        except (asyncio.CancelledError, ConnectionError):
            seen.aborted = not seen.finished
            raise

    def _usage(self, seen: Seen, behave: Behaviour) -> dict:
        prompt = len(seen.body) // 4
        return {"prompt_tokens": prompt, "completion_tokens": behave.tokens, "total_tokens": prompt + behave.tokens}

    def _whole(self, seen: Seen, parsed: dict, behave: Behaviour) -> dict:
        text = f"{behave.word} " * behave.tokens
        choice = {"message": {"role": "assistant", "content": text}} if "chat" in seen.path else {"text": text}
        return {"id": "cmpl-1", "object": "completion", "model": parsed.get("model", self.model),
                "choices": [{"index": 0, "finish_reason": "length", **choice}],
                "usage": self._usage(seen, behave)}

    async def _stream(self, request, seen: Seen, behave: Behaviour) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        for at in range(behave.tokens):
            if at == behave.cut_after:
                request.transport.abort()
                return answer
            if at and behave.hold:
                await self._gate.wait()
            if at and behave.gap:
                await asyncio.sleep(behave.gap)
            await answer.write(self._event({"choices": [{"index": 0, "delta": {
                "content": f"t{at} " + "x" * behave.padding}}]}))
        await answer.write(self._event({"choices": [], "usage": self._usage(seen, behave)}))
        await answer.write(b"data: [DONE]\n\n")
        await answer.write_eof()
        seen.finished = True
        return answer

    def _event(self, content: dict) -> bytes:
        return b"data: " + json.dumps({"id": "cmpl-1", "model": self.model, **content}).encode() + b"\n\n"
