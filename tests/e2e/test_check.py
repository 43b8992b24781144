"""`pointsman check`: a configuration is refused with the place and the reason, or printed as it will be used."""

import json
import subprocess

import pytest
import yaml

from harness.pointsman import write_config
from harness.process import POINTSMAN

HEAD = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n"


@pytest.fixture
def check(tmp_path):
    """check(text) -> the finished command."""

    def run(text: str) -> subprocess.CompletedProcess:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return subprocess.run([POINTSMAN, "check", "--config-file", path], capture_output=True, text=True, timeout=20,
                              check=False)

    return run


def test_a_good_configuration_is_printed_with_what_was_injected(tmp_path):
    path = write_config(tmp_path / "config.yaml")
    done = subprocess.run([POINTSMAN, "check", "--config-file", path], capture_output=True, text=True, timeout=20,
                          check=False)
    assert done.returncode == 0, done.stderr
    effective = yaml.safe_load(done.stdout)
    types = [plugin["type"] for plugin in effective["plugins"]]
    for injected in ["single-profile-handler", "max-score-picker", "fcfs-ordering-policy",
                     "global-strict-fairness-policy", "static-usage-limit-policy", "openai-parser", "anthropic-parser",
                     "vllmhttp-parser", "passthrough-parser", "utilization-detector", "metrics-data-source",
                     "core-metrics-extractor", "approx-prefix-cache-producer", "token-producer"]:
        assert injected in types
    [profile] = effective["schedulingProfiles"]
    assert [(ref["pluginRef"], ref.get("weight")) for ref in profile["plugins"][:3]] == [
        ("queue-scorer", 2), ("kv-cache-utilization-scorer", 2), ("prefix-cache-scorer", 3)]
    assert profile["plugins"][-1]["pluginRef"] == "max-score-picker"


def test_the_printed_configuration_means_the_same(check, tmp_path):
    first = check(write_config(tmp_path / "source.yaml").read_text())
    second = check(first.stdout)
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


@pytest.mark.parametrize("text, reason", [
    ("plugins:\n- type: queue-scorr\n", "plugin type 'queue-scorr' is not registered"),
    ("plugins:\n- type: queue-scorer\n- type: queue-scorer\n", "duplicate plugin name 'queue-scorer'"),
    ("plugins:\n- name: x\n", "plugin 'x' is missing a type"),
    ("plugins:\n- type: queue-scorer\n  foo: 1\n", 'strict decoding error: unknown field "plugins[0].foo"'),
    ("plugins: []\nplugins: []\n", 'key "plugins" already set in map'),
    ("schedulingProfiles:\n- plugins: []\n", "schedulingProfiles[0] is missing a name"),
    ("schedulingProfiles:\n- name: p\n  plugins:\n  - pluginRef: ghost\n",
     "schedulingProfiles[p] references undefined plugin 'ghost'"),
    ("requestHandler:\n  parsers:\n  - pluginRef: nope\n", "plugin type 'nope' not found in registry"),
    ("plugins:\n- type: file-discovery\n", "file-discovery: 'path' parameter is required"),
])
def test_what_is_wrong_is_said_in_the_references_words(check, text, reason):
    done = check(HEAD + text)
    assert done.returncode == 1
    assert reason in done.stderr + done.stdout


def test_an_unknown_type_names_the_nearest_known_one(check):
    done = check(HEAD + "plugins:\n- type: queue-scorr\n")
    assert "queue-scorer" in done.stderr + done.stdout


def test_a_mistake_is_shown_with_its_line(check):
    done = check(HEAD + "plugins:\n- type: queue-scorer\n- type: max-score-picker\n  paramters: {}\n")
    assert "6" in (done.stderr + done.stdout).replace("v1alpha1", "")


def test_the_flow_control_gate_is_refused_plainly(check):
    done = check(HEAD + "featureGates: [flowControl]\n")
    assert done.returncode == 1
    assert "flowControl" in done.stderr + done.stdout


def test_the_old_api_group_is_accepted_with_one_warning(check):
    done = check("apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\n")
    assert done.returncode == 0
    assert sum("DEPRECATION" in line for line in (done.stderr + done.stdout).splitlines()) == 1


def test_a_missing_file_is_named():
    done = subprocess.run([POINTSMAN, "check", "--config-file", "/no/such/file.yaml"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1
    assert "failed to load config from a file '/no/such/file.yaml'" in done.stderr + done.stdout


OLD = """# blue pool
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates: [prepareDataPlugins]
plugins:
- type: kv-cache-scorer   # 0 to 1
- type: prefix-cache-scorer
  parameters: {hashBlockSize: 64}
"""
FIXED = """# blue pool
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: kv-cache-utilization-scorer   # 0 to 1
- type: prefix-cache-scorer
- type: approx-prefix-cache-producer
  parameters:
    blockSizeTokens: 16
"""


@pytest.fixture
def fix(tmp_path):
    """fix(text, *flags) -> the finished `check --fix` of config.yaml in tmp_path."""

    def run(text: str, *flags: str) -> subprocess.CompletedProcess:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return subprocess.run([POINTSMAN, "check", "--fix", "--config-file", path, *flags], capture_output=True,
                              text=True, timeout=20, check=False)

    return run


def test_fix_writes_a_new_file_and_shows_the_difference(fix, tmp_path):
    done = fix(OLD)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "config.fixed.yaml").read_text() == FIXED
    assert (tmp_path / "config.yaml").read_text() == OLD
    assert "-- type: kv-cache-scorer   # 0 to 1\n" in done.stdout
    assert "+- type: kv-cache-utilization-scorer   # 0 to 1\n" in done.stdout
    assert fix(OLD).returncode == 1  # it is there already


def test_fix_writes_in_place_or_elsewhere_when_told(fix, tmp_path):
    assert fix(OLD, "--in-place").returncode == 0
    assert (tmp_path / "config.yaml").read_text() == FIXED
    assert fix(OLD, "-o", str(tmp_path / "other.yaml")).returncode == 0
    assert (tmp_path / "other.yaml").read_text() == FIXED
    assert fix(OLD, "-o", "-").stdout == FIXED


def test_fix_writes_nothing_that_does_not_load(fix, tmp_path):
    done = fix(OLD + "- type: queue-scorr\n", "--in-place")
    assert done.returncode == 1
    assert "queue-scorer" in done.stderr
    assert (tmp_path / "config.yaml").read_text() == OLD + "- type: queue-scorr\n"


def test_old_spellings_work_with_one_warning_each(check):
    done = check(OLD)
    assert done.returncode == 0, done.stderr
    assert sum("DEPRECATION" in line for line in done.stderr.splitlines()) == 3


def test_all_problems_are_told_at_once(check):
    done = check(HEAD + "featureGates: [nope]\nplugins:\n- type: queue-scorr\n- type: low-queue-filter\n")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: line")]
    assert len(errors) == 3, done.stderr
    assert "instead of a tree of filters" in errors[2]


def test_the_schema_is_json_schema_that_accepts_our_configurations(tmp_path):
    done = subprocess.run([POINTSMAN, "check", "--schema"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["$schema"].endswith("2020-12/schema")
    types = schema["properties"]["plugins"]["items"]["properties"]["type"]["enum"]
    assert "queue-scorer" in types and "approx-prefix-cache-producer" in types
