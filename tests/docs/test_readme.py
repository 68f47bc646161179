"""The README is executed: its sessions print what it says, its Python runs, its tables name every command and setting."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from detect_icd.cli import app
from detect_icd.cli.serve import default_shown
from detect_icd.service.settings import ServerSettings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SESSIONS = [body for kind, body in BLOCK.findall(TEXT) if kind == "console"]
PYTHON = [body for kind, body in BLOCK.findall(TEXT) if kind == "python"]
CHANGING = re.compile(r"lexicon\s+[0-9a-f]{12}|detect-icd \d+\.\d+\.\d+|(?<=\.tsv:)\d+")
"""Versions and line numbers change with every edit of the lexicon; the answer itself should not."""


def commands() -> list[str]:
    names = [command.name for command in app.registered_commands]
    for group in app.registered_groups:
        names += [
            f"{group.name} {command.name or command.callback.__name__}"
            for command in group.typer_instance.registered_commands
        ]
    return names


def answer(command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return "".join(line.rstrip() + "\n" for line in done.stdout.rstrip().splitlines())


@pytest.mark.parametrize("session", SESSIONS, ids=lambda body: body.splitlines()[0][2:60])
def test_a_session_prints_what_it_says(session):
    command, shown = session.removeprefix("$ ").split("\n", 1)
    printed = answer(command)
    if os.environ.get("UPDATE_README"):
        README.write_text(
            README.read_text(encoding="utf-8").replace(session, f"$ {command}\n{printed}"), encoding="utf-8"
        )
        return
    assert CHANGING.sub("*", printed) == CHANGING.sub("*", shown), "UPDATE_README=1 writes it anew (CONTRIBUTING.md)"


@pytest.mark.parametrize("code", PYTHON, ids=lambda body: body.split("\n", 1)[0])
def test_python_runs(code, address):
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    if "codes" in names:
        assert names["codes"](address, "Type 2 diabetes with polyneuropathy.") == ["E11.42"]


@pytest.mark.parametrize("command", commands())
def test_every_command_stands_in_the_readme(command):
    assert f"`detect-icd {command}" in TEXT


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (name, option)
        for name, command in get_command(app).commands.items()
        if name != "serve"
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ],
)
def test_every_option_stands_beside_its_command(command, option):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `detect-icd {command}"))
    assert option in row


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_every_setting_stands_in_the_docs_with_its_default(name):
    setting = ServerSettings.model_fields[name]
    row = f"| `--{name.replace('_', '-')}` | {default_shown(setting)} | {setting.description} |"
    assert row in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_links_lead_somewhere(name):
    assert (ROOT / name).exists()
