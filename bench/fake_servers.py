"""Model servers for load runs: they cost little and answer at a fixed pace, whatever they are asked.

A request says by headers what it wants back: `x-tokens: N`, streamed (one write per token, the first after
one gap) when `x-stream: 1`, whole otherwise. GET /metrics answers a vLLM page of about 55 kB. Run as a process of its own;
the first line of its output is a JSON list of the ports, and it ends with its standard input.
"""

import argparse
import asyncio
import json
import sys

TOKEN = (b'data: {"id":"chatcmpl-7f3c","object":"chat.completion.chunk","created":1790000000,"model":"m",'
         b'"choices":[{"index":0,"delta":{"content":" tok"},"logprobs":null,"finish_reason":null}]}\n\n')
CHUNK = b"%x\r\n%s\r\n" % (len(TOKEN), TOKEN)
LAST = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def metrics_page(size: int = 55_000) -> bytes:
    """The gauges the router reads, among as many histogram lines as a real engine shows."""
    lines = []
    for name, value in [("num_requests_running", 1), ("num_requests_waiting", 0), ("kv_cache_usage_perc", 0.1)]:
        lines += [f"# HELP vllm:{name} Something of the engine.", f"# TYPE vllm:{name} gauge",
                  f'vllm:{name}{{engine="0",model_name="m"}} {value}']
    lines.append('vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="31250"} 1.0')
    family, length = 0, 0
    while length < size:
        name = f"vllm:engine_phase_{family}_seconds"
        added = [f"# HELP {name} Histogram of a phase of the engine.", f"# TYPE {name} histogram"]
        added += [f'{name}_bucket{{engine="0",le="{0.001 * 2 ** k:g}",model_name="m"}} {1000 * k}.0' for k in range(20)]
        added += [f'{name}_sum{{engine="0",model_name="m"}} 12345.678', f'{name}_count{{engine="0",model_name="m"}} 20000.0']
        length += sum(len(line) + 1 for line in added)
        lines += added
        family += 1
    body = "\n".join(lines).encode() + b"\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class Server(asyncio.Protocol):
    """One connection. Requests come one after the other."""

    page = metrics_page()

    def __init__(self, gap: float):
        self.gap = gap
        self.loop = asyncio.get_running_loop()
        self.head, self.wanted = b"", None  # wanted: of the request under way

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data: bytes):
        if self.wanted is None:
            self.head += data
            head, found, data = self.head.partition(b"\r\n\r\n")
            if not found:
                return
            self.head = b""
            if head.startswith(b"GET /metrics"):
                self.transport.write(self.page)
                return
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            self.wanted = (int(fields.get(b"x-tokens", b"1")), fields.get(b"x-stream") == b"1")
            # Envoy sends bodies that a filter may change in chunks; their end is all that matters here.
            self.missing = None if b"transfer-encoding" in fields else int(fields.get(b"content-length", b"0"))
            self.tail = b"\r\n"
        if self.missing is None:
            self.tail = (self.tail + data)[-7:]
            ended = self.tail == b"\r\n0\r\n\r\n"
        else:
            self.missing -= len(data)
            ended = self.missing <= 0
        if ended:
            self.answer()

    def answer(self):
        (tokens, stream), self.wanted = self.wanted, None
        if not stream:
            body = json.dumps({"model": "m", "choices": [{"index": 0, "message": {"content": " tok" * tokens}}],
                               "usage": {"prompt_tokens": 1, "completion_tokens": tokens}}).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                                 % (len(body), body))
            return
        self.transport.write(STREAM_HEAD)
        self.next_at = self.loop.time() + self.gap
        self.left = tokens
        self.loop.call_at(self.next_at, self.token)

    def token(self):
        if self.transport.is_closing():
            return
        self.transport.write(CHUNK)
        self.left -= 1
        if self.left == 0:
            self.transport.write(LAST)
            return
        self.next_at += self.gap  # from the plan, not from now: a late token does not delay the others
        self.loop.call_at(self.next_at, self.token)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--gap", type=float, default=0.005, help="seconds between tokens")
    options = parser.parse_args()
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Server(options.gap), "127.0.0.1", 0, backlog=4096)
               for _ in range(options.count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
