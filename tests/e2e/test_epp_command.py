"""`pointsman epp` as a command: its name, its flags, how it ends when it cannot start."""

import os
import subprocess

from harness.pointsman import Epp
from harness.process import BUILD, POINTSMAN


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
