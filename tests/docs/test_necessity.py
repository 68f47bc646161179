"""The commands of docs/necessity.md run, and its worked examples are those of the golden tests."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "necessity.md").read_text(encoding="utf-8")
COMMANDS = [line[2:] for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_run(command, monkeypatch, tmp_path):
    monkeypatch.setenv("DETECT_ICD_NECESSITY_DIR", str(tmp_path))
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "detect_icd.cli", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
