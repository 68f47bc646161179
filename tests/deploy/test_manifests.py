"""The files of deploy/: well formed, in step with the settings, and as careful as they say."""

from __future__ import annotations

import configparser
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from detect_icd.service.server import LIVE
from detect_icd.service.settings import ServerSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY.parent / "Dockerfile").read_text(encoding="utf-8")
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "detect-icd.yaml").read_text(encoding="utf-8")))
BY_KIND = {manifest["kind"]: manifest for manifest in MANIFESTS}
POD = BY_KIND["Deployment"]["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*")), ids=lambda path: path.name)
def test_every_setting_named_exists(path):
    if path.is_file():
        named = set(re.findall(r"DETECT_ICD_([A-Z_]+[A-Z])", path.read_text(encoding="utf-8")))
        assert named <= {name.upper() for name in ServerSettings.model_fields}


def test_the_settings_of_the_pod_are_valid(monkeypatch):
    for variable in CONTAINER["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    settings = ServerSettings()
    assert settings.tls_certificate
    assert settings.auth_keys
    assert settings.grace_seconds < POD["terminationGracePeriodSeconds"]


def test_the_settings_of_compose_are_valid(monkeypatch):
    for name, value in COMPOSE["services"]["detect-icd"]["environment"].items():
        monkeypatch.setenv(name, value)
    assert ServerSettings().workers == 2


def test_probes_are_grpc_on_the_port_of_health():
    port = next(int(v["value"].rpartition(":")[2]) for v in CONTAINER["env"] if v["name"].endswith("HEALTH_ADDRESS"))
    assert CONTAINER["readinessProbe"]["grpc"]["port"] == CONTAINER["startupProbe"]["grpc"]["port"] == port
    assert CONTAINER["livenessProbe"]["grpc"] == {"port": port, "service": LIVE}


def test_the_pod_may_do_nothing_it_need_not():
    context = CONTAINER["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["automountServiceAccountToken"] is False


def test_selectors_find_the_pods():
    labels = BY_KIND["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert BY_KIND["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert BY_KIND["Service"]["spec"]["selector"].items() <= labels
    assert BY_KIND["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert BY_KIND["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= labels


@pytest.mark.parametrize("mount", CONTAINER["volumeMounts"], ids=lambda mount: mount["name"])
def test_every_mount_has_its_volume(mount):
    assert mount["name"] in {volume["name"] for volume in POD["volumes"]}
    assert mount["readOnly"] is True


def test_user_of_pod_and_image_are_one():
    assert f"USER {POD['securityContext']['runAsUser']}" in DOCKERFILE


@pytest.mark.parametrize("service", COMPOSE["services"], ids=str)
def test_compose_publishes_on_loopback_only(service):
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"][service].get("ports", ()))


@pytest.mark.parametrize("service", COMPOSE["services"], ids=str)
def test_files_that_compose_mounts_exist(service):
    for volume in COMPOSE["services"][service].get("volumes", ()):
        assert (DEPLOY / volume.split(":")[0]).is_file()


def test_envoy_speaks_http2_to_the_instances():
    envoy = yaml.safe_load((DEPLOY / "envoy.yaml").read_text(encoding="utf-8"))
    [cluster] = envoy["static_resources"]["clusters"]
    assert "http2_protocol_options" in str(cluster["typed_extension_protocol_options"])
    [endpoint] = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["address"] in COMPOSE["services"]


def test_the_unit_stops_the_front_process_only():
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd" / "detect-icd.service")
    service = unit["Service"]
    assert service["KillMode"] == "mixed"
    assert ServerSettings().grace_seconds < float(service["TimeoutStopSec"])
    assert service["ExecReload"].endswith("-HUP $MAINPID")


@pytest.mark.parametrize("kind", BY_KIND)
def test_kubernetes_own_schema(kind):
    """`pip install kubernetes-validate`: 108 MB, so it is no requirement of development."""
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(BY_KIND[kind], "1.31", strict=True)


def test_composes_own_schema():
    pytest.importorskip("check_jsonschema", reason="pip install check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, DEPLOY / "compose.yaml"], check=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the package itself
def test_envoys_own_definitions():
    """`pip install envoy-data-plane`; a field that Envoy does not know is an error."""
    pytest.importorskip("envoy_data_plane", reason="pip install envoy-data-plane")
    for name in ("filters.network.http_connection_manager", "filters.http.router", "upstreams.http"):
        importlib.import_module(f"envoy_data_plane.envoy.extensions.{name}.v3")
    bootstrap = importlib.import_module("envoy_data_plane.envoy.config.bootstrap.v3").Bootstrap
    read = bootstrap.from_dict(yaml.safe_load((DEPLOY / "envoy.yaml").read_text(encoding="utf-8")))
    assert len(read.static_resources.clusters) == 1


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemds_own_judgement_of_the_unit(tmp_path):
    unit = tmp_path / "detect-icd.service"
    lines = (DEPLOY / "systemd" / "detect-icd.service").read_text(encoding="utf-8")
    unit.write_text(re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", lines))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    # From 0 (nothing exposed) to 100; it was 35 once.
    judged = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit]
    subprocess.run(judged, check=True, capture_output=True)


def test_bad_settings_are_not_tried_again():
    assert "RestartPreventExitStatus=2" in (DEPLOY / "systemd" / "detect-icd.service").read_text(encoding="utf-8")
