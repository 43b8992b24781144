"""How `pointsman serve` ends: nobody is cut off who need not be, and nothing hangs."""

import http.client
import signal
import threading
import time

import pytest

from harness.openai import Client, chat
from harness.wait import until


def test_it_says_not_ready_and_still_serves_for_a_while(model_servers, serve, client):
    servers = model_servers(1)
    router = serve(servers, args=["--drain-timeout=1500ms"])
    kept = client(router.port)
    assert kept.chat().status == 200
    began = time.monotonic()
    router.process.child.send_signal(signal.SIGTERM)
    until(lambda: not router.admin.ready(), "not ready any more")
    answer = kept.chat()
    assert answer.status == 200
    assert answer.headers["connection"] == "close"  # come back elsewhere
    assert client(router.port).chat().status == 200  # new connections are accepted
    assert router.admin.get("/metrics")[0] == 200
    assert router.process.wait_end(20) == 0
    assert time.monotonic() - began >= 1.4


def test_sigint_does_not_wait(model_servers, serve):
    router = serve(model_servers(1), args=["--drain-timeout=60s"])
    router.process.child.send_signal(signal.SIGINT)
    assert router.process.wait_end(5) == 0


def test_open_streams_are_cut_off_at_the_limit_and_counted(model_servers, serve, client):
    [server] = model_servers(1)
    server.behave.hold = True
    router = serve([server], args=["--drain-timeout=0s", "--drain-limit=500ms"])
    response = client(router.port).start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    router.process.child.send_signal(signal.SIGTERM)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    assert router.process.wait_end(10) == 0
    assert "open requests are cut off" in router.log()
    assert '"requests":1' in router.log().replace(" ", "")
    server.release()


def test_a_second_signal_ends_at_once(model_servers, serve, client):
    [server] = model_servers(1)
    server.behave.hold = True
    router = serve([server], args=["--drain-timeout=60s"])
    response = client(router.port).start("POST", "/v1/chat/completions", chat(stream=True))
    assert b"t0" in response.readline()
    router.process.child.send_signal(signal.SIGTERM)
    until(lambda: not router.admin.ready(), "not ready any more")
    router.process.child.send_signal(signal.SIGTERM)
    assert router.process.wait_end(5) == 1
    server.release()


def test_a_rolling_restart_of_two_routers_fails_no_request(model_servers, serve):
    """Eight clients, each request to whichever router says that it is ready, connections kept where they may be."""
    servers = model_servers(2)
    for server in servers:
        server.behave.tokens, server.behave.gap = 3, 0.01
    args = ["--drain-timeout=700ms", "--workers=1"]
    routers = [serve(servers, args=args, name="a"), serve(servers, args=args, name="b")]
    ready = {0, 1}
    over = threading.Event()
    failures, done = [], []

    def look():
        """What a load balancer's health check does."""
        while not over.wait(0.1):
            for number, router in enumerate(list(routers)):
                (ready.add if router.admin.ready() else ready.discard)(number)

    def client(number):
        links, turn = {}, number
        while not over.is_set():
            turn += 1
            choice = sorted(ready)
            if not choice:
                failures.append("nobody is ready")
                return
            router = routers[choice[turn % len(choice)]]
            link = links.get(router.port) or links.setdefault(router.port, Client(router.port, timeout=10))
            try:
                answer = link.chat(f"{number} {turn}", stream=turn % 2 == 0)
                if answer.status != 200 or (turn % 2 == 0 and not answer.body.endswith(b"data: [DONE]\n\n")):
                    failures.append((answer.status, answer.body[-200:]))
                done.append(router.port)
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))

    def both_serve():
        """Each of the two has answered since now: the clients use both."""
        before = len(done)
        until(lambda: {router.port for router in routers} <= set(done[before:]), "both serve", timeout=30)

    threads = [threading.Thread(target=look)] + [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2):
            old = routers[number]
            both_serve()
            old.process.child.send_signal(signal.SIGTERM)
            assert old.process.wait_end(30) == 0
            routers[number] = serve(servers, args=args, name=f"new{number}")
        both_serve()
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    assert failures == []
    assert len(set(done)) == 4
    assert len(done) > 100
