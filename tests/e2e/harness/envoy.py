"""A real Envoy with the configuration of deploy/envoy.yaml. Envoy chooses its own ports."""

import json
import pathlib
import sys
import urllib.request

import yaml

from .process import Process

ENVOY = pathlib.Path(sys.executable).parent / "envoy"
DEPLOYED = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "envoy.yaml"


HTTP2 = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
         "explicit_http_config": {"http2_protocol_options": {}}}


def configuration(picker_port: int, tls: bool, grpc_upstream: bool) -> dict:
    """The deployed file with free ports, without TLS to the picker if the test does without, and with HTTP/2 to model
    servers that speak gRPC."""
    config = yaml.safe_load(DEPLOYED.read_text())
    config["admin"]["address"]["socket_address"]["port_value"] = 0
    listener = config["static_resources"]["listeners"][0]["address"]["socket_address"]
    listener.update(address="127.0.0.1", port_value=0)
    picker = next(c for c in config["static_resources"]["clusters"] if c["name"] == "pointsman")
    picker["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"][
        "port_value"] = picker_port
    if grpc_upstream:
        servers = next(c for c in config["static_resources"]["clusters"] if c["name"] == "model_servers")
        servers["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": HTTP2}
    if not tls:
        del picker["transport_socket"]
    return config


def without_picker(servers: list[tuple[str, int]]) -> dict:
    """The same Envoy by itself: round robin over these servers."""
    config = configuration(0, tls=False, grpc_upstream=False)
    [listener] = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = [f for f in manager["http_filters"] if f["name"] == "envoy.filters.http.router"]
    [cluster] = [c for c in config["static_resources"]["clusters"] if c["name"] != "pointsman"]
    config["static_resources"]["clusters"] = [cluster]
    cluster.pop("original_dst_lb_config")
    cluster.update(type="STATIC", lb_policy="ROUND_ROBIN", load_assignment={
        "cluster_name": cluster["name"],
        "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
            for address, port in servers]}]})
    return config


class Envoy:
    def __init__(self, directory: pathlib.Path, picker_port: int, tls: bool = False, grpc_upstream: bool = False,
                 concurrency: int = 1, config: dict | None = None):
        config_file, admin_file = directory / "envoy.json", directory / "envoy-admin"
        config_file.write_text(json.dumps(config or configuration(picker_port, tls, grpc_upstream)))
        self.process = Process(
            [ENVOY, "-c", config_file, "--admin-address-path", admin_file, "--disable-hot-restart", "--concurrency",
             str(concurrency), "--log-level", "warning"], directory / "envoy.log")
        self.process.wait_ready(lambda: admin_file.exists() and self._live(admin_file), "Envoy is live", 30)

    def _live(self, admin_file: pathlib.Path) -> bool:
        self.admin = "http://" + admin_file.read_text().strip()
        try:
            if self.get("/ready").strip() != "LIVE":
                return False
        except OSError:
            return False
        status = json.loads(self.get("/listeners?format=json"))
        self.port = status["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]
        return True

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.admin + path, timeout=5) as answer:
            return answer.read().decode()

    def counter(self, name: str) -> int:
        """One value of Envoy's own statistics, 0 when it does not exist yet."""
        for line in self.get(f"/stats?filter=^{name}$").splitlines():
            return int(line.rsplit(": ", 1)[1])
        return 0
