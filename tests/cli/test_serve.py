"""`serve`, `server.py`, `version`, `lexicon explain`: real processes."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from detect_icd.cli.serve import serve
from detect_icd.service.probe import probe
from detect_icd.service.settings import ServerSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    """server.py on a free port, and its address."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "server.py", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    yield process, line.split()[-1]
    process.kill()
    process.communicate()


def test_it_says_where_it_listens_and_serves(server):
    assert probe(server[1], "detect_icd.v1.IcdDetectionService") == "SERVING"


def test_a_second_server_on_the_port_is_refused(cli, server, detector, monkeypatch):
    monkeypatch.setattr("detect_icd.detector.Detector.default", lambda: detector)
    outcome = cli("serve", "--address", server[1])
    assert outcome.code == 2
    assert "cannot listen" in outcome.err.splitlines()[-1]


def test_sigterm_ends_it_in_order(server):
    process, address = server
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert probe(address, seconds=1) == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "0"], "--workers (DETECT_ICD_WORKERS)"),
        (["--max-text-bytes", "0"], "--max-text-bytes (DETECT_ICD_MAX_TEXT_BYTES)"),
        (["--workers", "many"], "'--workers'"),
    ],
)
def test_bad_settings_are_one_clear_line(cli, arguments, words):
    outcome = cli("serve", *arguments)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err


def test_environment_variables_are_settings(cli, monkeypatch):
    monkeypatch.setenv("DETECT_ICD_QUEUE", "-1")
    assert "DETECT_ICD_QUEUE" in cli("serve").err


def test_every_setting_is_a_flag():
    assert set(inspect.signature(serve).parameters) == set(ServerSettings.model_fields)


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_help_tells_the_default(name):
    default = ServerSettings.model_fields[name].default
    shown = {"reflection": "yes", "grace_seconds": "10", "lexicon_dir": "the user's"}.get(name, str(default))
    option = next(option for option in inspect.get_annotations(serve, eval_str=True)[name].__metadata__)
    assert f"[{shown}]" in option.help


def test_version_names_lexicon_and_code_sets(cli):
    outcome = cli("version")
    assert outcome.code == 0
    assert "ICD-10-CM FY2026 2025-10-01 to 2026-03-31" in outcome.out


def test_lexicon_explain_names_the_row(cli):
    outcome = cli("lexicon", "explain", "type 2 diabetes")
    assert "E11" in outcome.out
    assert "e_endocrine.tsv:" in outcome.out


def test_lexicon_explain_of_an_unknown_phrase(cli):
    outcome = cli("lexicon", "explain", "green cheese moon")
    assert (outcome.code, outcome.out) == (1, "")
    assert "does not know" in outcome.err
