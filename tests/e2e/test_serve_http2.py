"""HTTP/2 and TLS at the clients' side of `pointsman serve`."""

import asyncio
import json
import shutil
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import pytest

from harness.openai import chat
from harness.raw import curl
from harness.tls import make_certificate, shown
from harness.wait import until


needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
VERSION = ["-o", "/dev/null", "-w", "%{http_version} %{http_code}"]


@needs_curl
def test_plain_http2_is_served_to_who_begins_with_it(model_servers, serve):
    [server] = model_servers(1)
    router = serve([server])
    url = f"http://127.0.0.1:{router.port}/v1/chat/completions"
    assert curl("--http2-prior-knowledge", *VERSION, url, "-d", json.dumps(chat())) == "2 200"
    assert curl("--http2-prior-knowledge", "-N", url, "-d", json.dumps(chat(stream=True))).endswith("data: [DONE]\n\n")
    large = json.dumps(chat("x" * 3_000_000))
    assert '"usage"' in curl("--http2-prior-knowledge", url, "-d", "@-", input=large)
    assert server.seen[-1].body.decode() == large
    assert "2 400" == curl("--http2-prior-knowledge", *VERSION, url, "-d", "{")
    assert curl("--http2-prior-knowledge", "-I", url).startswith("HTTP/2 200")
    headers = server.seen[0].headers
    assert headers["x-forwarded-host"] == f"127.0.0.1:{router.port}"
    assert headers["host"] == server.address


@needs_curl
def test_tls_with_both_versions_and_a_new_certificate_without_a_restart(model_servers, serve, tmp_path):
    [server] = model_servers(1)
    folder = make_certificate(tmp_path / "certificate")
    router = serve([], args=["--cert-path", folder, "--endpoint", server.url])
    url = f"https://localhost:{router.port}/v1/chat/completions"
    trust = ["--cacert", folder / "tls.crt"]
    assert curl(*trust, *VERSION, "--http2", url, "-d", json.dumps(chat())) == "2 200"
    assert curl(*trust, *VERSION, "--http1.1", url, "-d", json.dumps(chat(stream=True))) == "1.1 200"
    assert server.seen[-1].headers["x-forwarded-proto"] == "https"

    assert shown(router.port)[0] == "router"
    make_certificate(folder, "another")
    until(lambda: shown(router.port)[0] == "another", "the new certificate is shown")
    assert curl(*trust, *VERSION, url, "-d", json.dumps(chat())) == "2 200"


@needs_curl
@pytest.mark.parametrize("size", [3_000, 300_000, 20_000_000])
def test_curl_sees_that_its_body_is_too_large(model_servers, serve, tmp_path, size):
    """Stopped before it has sent all, curl says that the stream broke, and nothing of the answer."""
    router = serve(model_servers(1), args=["--max-body-bytes=1Ki"])
    body = tmp_path / "body"
    body.write_bytes(b"x" * size)
    for undeclared in ([], ["-H", "Transfer-Encoding: chunked"]):
        answer = curl("--http2-prior-knowledge", f"http://127.0.0.1:{router.port}/v1/completions", "-H", "Expect:",
                      *undeclared, "--data-binary", f"@{body}", "-w", "%{http_code}")
        assert answer.endswith("413") and "the body is too large" in answer


def test_model_servers_with_tls_are_verified(model_servers, serve, client, tmp_path, cleanup):
    """A TLS front of its own before the fake server, since that speaks plain HTTP."""
    [server] = model_servers(1)
    folder = make_certificate(tmp_path / "certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    loop = asyncio.new_event_loop()
    started = threading.Event()
    port = []

    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        writer.close()

    async def accept(reader, writer):
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    def run():
        asyncio.set_event_loop(loop)
        front = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0, ssl=context))
        port.append(front.sockets[0].getsockname()[1])
        started.set()
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    cleanup(lambda: loop.call_soon_threadsafe(loop.stop))
    assert started.wait(10)
    endpoint = ["--endpoint", f"https://localhost:{port[0]}"]
    trusting = serve([], args=[*endpoint, "--upstream-ca-file", folder / "tls.crt"])
    assert client(trusting.port).chat().status == 200
    until(lambda: server.scrapes >= 2, "its metrics are read")
    trusting.process.stop()
    scrapes = server.scrapes
    wary = serve([], args=endpoint, name="wary")
    answer = client(wary.port).chat()
    assert answer.status == 502
    assert "certificate" in answer.json()["error"]["message"]
    until(lambda: "metrics cannot be read" in wary.log() and "models cannot be read" in wary.log(), "it says so")
    assert server.scrapes == scrapes


def test_many_streams_of_one_connection_and_an_abort(model_servers, serve):
    """h2 by hand: 50 streamed answers at once over one connection; one that is reset ends upstream."""
    [server] = model_servers(1)
    server.behave.tokens, server.behave.gap = 5, 0.05
    router = serve([server])
    link = socket.create_connection(("127.0.0.1", router.port))
    link.settimeout(10)
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    body = json.dumps(chat(stream=True)).encode()
    for number in range(50):
        stream = 1 + 2 * number
        connection.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", "router"),
                                         (":path", "/v1/chat/completions"), ("content-type", "application/json")])
        connection.send_data(stream, body, end_stream=True)
    link.sendall(connection.data_to_send())
    until(lambda: len(server.seen) == 50, "all requests are there")
    connection.reset_stream(99)
    link.sendall(connection.data_to_send())
    ended, text, statuses = set(), {}, {}
    while len(ended) < 49:
        for event in connection.receive_data(link.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                statuses[event.stream_id] = dict(event.headers)[":status"]
            elif isinstance(event, h2.events.DataReceived):
                text[event.stream_id] = text.get(event.stream_id, b"") + event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
        link.sendall(connection.data_to_send())
    link.close()
    assert all(text[s].endswith(b"data: [DONE]\n\n") and statuses[s] == "200" for s in ended)
    until(lambda: sum(seen.aborted for seen in server.seen) == 1, "the one that was reset ended upstream")
    until(lambda: router.admin.metric("llm_d_epp_request_running") == 0, "no request runs")
