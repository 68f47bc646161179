"""Files as the official ones are, made from the shipped code set (small ones by hand)."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from detect_icd.codeset import CodeSet
from detect_icd.imports.index import Template
from detect_icd.imports.store import Store
from detect_icd.lexicon import Lexicon

SHARED = Path(os.environ.get("DETECT_ICD_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data" / "codeset"


@pytest.fixture(scope="session")
def codeset() -> CodeSet:
    return Lexicon.default().codeset


@pytest.fixture(scope="session")
def templates() -> tuple[Template, ...]:
    return Template.of(Lexicon.default().table("codeset/index_templates"))


@pytest.fixture(scope="session")
def order_file(codeset: CodeSet) -> bytes:
    """The order file of FY2027 with titles of our own where the package has none."""
    release = codeset.on(date(2026, 10, 1))
    lines = []
    for number, code in enumerate(release.codes(), 1):
        title = release.title(code) if release.is_titled(code) else f"Title of {code}"
        bare, flag = code.replace(".", ""), int(release.is_billable(code))
        lines.append(f"{number:05} {bare:<7} {flag} {title[:60]:<60} {title}\r\n")
    return "".join(lines).encode()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "lexicon", now=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def shared(name: str) -> Path:
    """An official list that is not part of the project."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout (set DETECT_ICD_SHARED)")
    return path
