"""docs/: their Python runs, their JSON is what the client uses, their stub generation works as far as it can be tried here."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import status_pb2
from grpc_tools import protoc

from detect_icd import client

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
CLIENTS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall(CLIENTS) if found == kind]


def test_python_runs(address):
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(compile(code, "clients.md", "exec"), names)
    assert names["assigned"](address, "Essential hypertension.") == ["I10"]
    together = names["assigned_together"](address, ["Essential hypertension.", "Asthma."])
    assert asyncio.run(together)[0] == ["I10"]


def test_the_dictation_runs(address):
    names: dict[str, object] = {}
    for code in blocks("python"):
        exec(compile(code, "clients.md", "exec"), names)
    result = names["dictated"](address, iter(["Essential hyper", "tension.\n", "Asthma."]))
    assert result.assignments[0].code == "I10"


@pytest.mark.parametrize("name", ["common", "code", "detection", "necessity"])
def test_java_finds_each_message_as_the_snippet_does(name):
    options = descriptor_pool.Default().FindFileByName(f"detect_icd/v1/{name}.proto").GetOptions()
    assert options.java_multiple_files
    assert options.java_package == "org.detect_icd.v1"


@pytest.mark.parametrize("shown", re.findall(r"-d '(\{.*?\})'.*?detect_icd\.v1\.(\w+)/(\w+)", CLIENTS, re.DOTALL))
def test_grpcurls_requests_fit_the_methods(shown):
    body, service, method = shown
    pool = descriptor_pool.Default()
    kind = pool.FindServiceByName(f"detect_icd.v1.{service}").methods_by_name[method].input_type
    json_format.Parse(body, message_factory.GetMessageClass(kind)())


def test_the_service_config_is_the_clients():
    [shown] = blocks("json")
    policy = client._SERVICE_CONFIG["methodConfig"][0]["retryPolicy"]
    assert json.loads(shown)["methodConfig"][0]["retryPolicy"] == policy


def test_the_proto_folder_and_googleapis_suffice_to_generate_stubs(tmp_path):
    sources = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    includes = [ROOT / "proto", Path(status_pb2.__file__).parents[2], Path(grpc_tools.__file__).parent / "_proto"]
    made = tmp_path / "descriptors"
    arguments = ["protoc", *(f"-I{folder}" for folder in includes), f"--descriptor_set_out={made}", *sources]
    assert protoc.main(arguments) == 0
    assert b"DetectRequest" in made.read_bytes()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "threat-model.md").read_text())))
)
def test_every_test_the_threat_model_names_exists(name):
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    files = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert name in files or any(f"def {name}(" in source for source in sources)
