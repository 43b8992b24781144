"""`pointsman epp` as a command: its name, its flags, its ports, how it ends when it cannot start or is not let to."""

import json
import os
import signal
import socket
import subprocess
import urllib.request

import grpc
import pytest

from harness.pointsman import EXT_PROC, Epp
from harness.process import BUILD, POINTSMAN, accepts
from harness.wait import until


def test_started_under_the_name_epp_it_is_the_picker(spawn, tmp_path, model_servers):
    running = Epp(spawn, tmp_path, model_servers(1), binary=BUILD / "epp",
                  args=["--pool-namespace", "slurm", "--tracing=false", "-v=4", "--drain-timeout=100ms"])
    assert running.health() == "SERVING"


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([POINTSMAN, "epp", *arguments], capture_output=True, text=True, timeout=20, check=False,
                          env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})


def test_without_file_discovery_it_says_that_kubernetes_comes_later():
    done = run("--pool-name=p")
    assert done.returncode == 1
    assert "Kubernetes" in done.stderr


def test_an_unknown_flag_is_exit_code_2_with_usage():
    done = run("--pool-name=p", "--no-such-flag")
    assert done.returncode == 2
    assert "no-such-flag" in done.stderr


def test_help_and_version_are_exit_code_0():
    assert run("--help").returncode == 0
    assert "--grpc-port" in run("--help").stdout
    assert run("--version").returncode == 0


def test_a_port_in_use_is_one_error_line(epp, model_servers, spawn, tmp_path):
    first = epp(model_servers(1))
    done = run("--pool-name=p", f"--config-file={tmp_path / 'epp.yaml'}", f"--grpc-port={first.port}",
               "--metrics-endpoint-auth=false", "--secure-serving=false")
    assert done.returncode == 1
    assert str(first.port) in done.stderr


def lines(running) -> list[dict]:
    return [json.loads(line) for line in running.log().splitlines()]


def test_the_log_begins_with_the_flags_and_names_a_namespace_nobody_gave(epp, model_servers):
    running = epp(model_servers(1))
    flags = next(line["flags"] for line in lines(running) if line["msg"] == "Flags processed")
    assert f" --grpc-port={running.port} " in flags
    assert "--drain-timeout=0s " in flags
    assert "file-discovery mode: pool namespace defaulted to default; " in running.log()


def test_a_namespace_that_was_given_is_not_worth_a_line(epp, model_servers):
    assert "pool namespace defaulted" not in epp(model_servers(1), env={"NAMESPACE": "n"}).log()


@pytest.mark.skipif(not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")
def test_every_port_is_open_in_both_families(epp, model_servers):
    running = epp(model_servers(1))
    for host in ("127.0.0.1", "::1"):
        for port in (running.port, running.health_port, running.admin.port):
            assert accepts(port, host), (host, port)
    # A peer in IPv6 is this machine too, and one in IPv4 is still known as such: both see private pages.
    for host in ("127.0.0.1", "[::1]"):
        with urllib.request.urlopen(f"http://{host}:{running.admin.port}/endpoints", timeout=5) as answer:
            assert answer.status == 200


def watch(channel, service: str):
    request = bytes([0x0A, len(service)]) + service.encode()
    return channel.unary_stream("/grpc.health.v1.Health/Watch")(request, timeout=20)


def test_a_health_watch_on_the_ext_proc_port_is_told_of_the_drain_and_holds_nobody_up(epp, model_servers):
    running = epp(model_servers(1), args=["--drain-timeout=300ms", "--drain-limit=60s"])
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        told = watch(channel, EXT_PROC)
        assert next(told) == b"\x08\x01"  # SERVING
        running.process.child.send_signal(signal.SIGTERM)
        assert next(told) == b"\x08\x02"  # NOT_SERVING
        with pytest.raises(grpc.RpcError) as ended:
            next(told)
        assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
        assert running.process.wait_end(10) == 0
    assert "cut off" not in running.log()


def test_the_health_port_does_not_watch(epp, model_servers):
    running = epp(model_servers(1))
    with grpc.insecure_channel(f"127.0.0.1:{running.health_port}") as channel, pytest.raises(grpc.RpcError) as ended:
        next(watch(channel, ""))
    assert ended.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert ended.value.details() == "Watch is not implemented"


class Starting:
    """A picker whose start waits for its configuration: a pipe that nobody has written to."""

    def __init__(self, spawn, tmp_path):
        self.pipe = tmp_path / "epp.yaml"
        os.mkfifo(self.pipe)
        self.process = spawn([POINTSMAN, "epp", "--pool-name=p", "--config-file", self.pipe, "--tracing=false",
                              "--grpc-port=0", "--grpc-health-port=0", "--metrics-port=0", "--secure-serving=false"])
        self.writer = until(self.open, "it reads its configuration")

    def open(self) -> int | None:
        try:
            return os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            return None

    def configure(self, text: str) -> None:
        os.write(self.writer, text.encode())
        os.close(self.writer)


def test_a_stop_before_it_is_ready_is_exit_code_1(spawn, tmp_path):
    endpoints = tmp_path / "endpoints.yaml"
    endpoints.write_text("endpoints: []\n")
    starting = Starting(spawn, tmp_path)
    starting.process.child.send_signal(signal.SIGTERM)
    starting.configure(f"""apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins: [{{type: queue-scorer}}, {{type: file-discovery, parameters: {{path: {endpoints}}}}}]
dataLayer: {{discovery: {{pluginRef: file-discovery}}}}
""")
    assert starting.process.wait_end() == 1
    assert "stopped before it was ready" in starting.process.output()


def test_a_second_stop_before_it_is_ready_ends_it_at_once(spawn, tmp_path):
    starting = Starting(spawn, tmp_path)
    starting.process.child.send_signal(signal.SIGTERM)
    starting.process.child.send_signal(signal.SIGINT)
    assert starting.process.wait_end() == 1
    os.close(starting.writer)
