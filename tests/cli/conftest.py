from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass

import pytest

from detect_icd.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capfd, monkeypatch):
    """Runs a command in this process (so keep to those that load no detector, or give a target)."""

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Outcome(ended.value.code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def command():
    """Runs a command as a user does, in a process of its own."""

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "detect_icd.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
