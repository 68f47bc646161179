"""Imports point one way (ARCHITECTURE), and importing the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import detect_icd

PACKAGE = Path(detect_icd.__file__).parent
ADAPTERS = {"service", "client", "cli", "batch", "formats"}
LAYERS = [
    {"_version", "errors", "memo", "spans", "model", "text", "validation", "words", "folders"},
    {"codeset", "codetable"},
    {"lexicon", "compile", "codes"},
    {"stages"},
    {"detector"},
    {"imports", "necessity", "phi"},
    ADAPTERS,
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "v1" not in path.parts and path.parent != PACKAGE / "data")


def imported(path: Path) -> set[str]:
    """Full names of everything a module imports, wherever it stands in it, except for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part(name: str) -> str:
    return name.split(".")[1] if name.startswith("detect_icd.") else ""


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
class TestEachModule:
    def test_imports_only_what_stands_below(self, path):
        if home(path) == "__init__":
            pytest.skip("the package's own names are loaded when used")
        assert home(path) in RANK, "give the module its place in LAYERS"
        above = {n for n in imported(path) if RANK.get(part(n), -1) > RANK[home(path)]}
        assert above == set()

    def test_only_service_and_client_know_grpc(self, path):
        if home(path) in {"service", "client"}:
            return
        known = {
            n
            for n in imported(path)
            if n.partition(".")[0] in {"grpc", "grpc_health", "grpc_reflection", "grpc_status"}
        }
        assert known == set()

    def test_only_adapters_know_protobuf_and_terminals(self, path):
        if home(path) in ADAPTERS:
            return
        outer = {"google", "typer", "rich", "pydantic", "pydantic_settings"}
        assert {n for n in imported(path) if n.partition(".")[0] in outer or part(n) == "v1"} == set()


def test_importing_the_package_is_light():
    code = "import sys, detect_icd; print(sorted({'spacy', 'grpc', 'flashtext', 'google.protobuf', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_compiler_is_light():
    code = "import sys, detect_icd.compile.bundle; print(sorted({'spacy', 'grpc', 'flashtext'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", detect_icd.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(detect_icd, name) is not None


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Detektor"):
        _ = detect_icd.Detektor
