"""`serve`, `server.py`, `version`, `lexicon explain`: real processes."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from detect_icd.cli.serve import PRINT_CONFIG, default_shown, serve
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


def test_a_second_server_on_the_port_is_refused(command, server):
    outcome = command("serve", "--address", server[1])
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
    assert set(inspect.signature(serve).parameters) == {*ServerSettings.model_fields, PRINT_CONFIG}


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_help_tells_the_default(name):
    setting = ServerSettings.model_fields[name]
    [option] = inspect.signature(serve).parameters[name].annotation.__metadata__
    assert f"[{default_shown(setting)}]" in option.help


def test_the_settings_are_printed_without_their_secrets(cli):
    outcome = cli("serve", "--print-config", "--traces-headers", "authorization=SECRET", "--queue", "7")
    shown = json.loads(outcome.out)
    assert shown["queue"] == 7
    assert set(shown) == set(ServerSettings.model_fields)
    assert "SECRET" not in outcome.out + outcome.err


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "example.org:1", "10.1.2.3:1"])
def test_plain_text_beyond_loopback_must_be_asked_for(cli, address):
    outcome = cli("serve", "--address", address)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "--insecure-ok" in outcome.err
    assert cli("serve", "--address", address, "--insecure-ok", "--print-config").code == 0


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_plain_text_on_loopback_is_no_matter(cli, address):
    assert cli("serve", "--address", address, "--print-config").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tls-key", "k"], "go together"),
        (["--tls-client-ca", "c"], "needs tls_certificate"),
        (["--auth-jwks", "j"], "auth_issuer"),
    ],
)
def test_settings_that_do_not_fit_together(cli, arguments, words):
    outcome = cli("serve", *arguments)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err


def test_version_names_lexicon_and_code_sets(cli):
    outcome = cli("version")
    assert outcome.code == 0
    assert ", plain Python\n" in outcome.out
    assert "ICD-10-CM FY2026 2025-10-01 to 2026-03-31" in outcome.out


def test_lexicon_explain_names_the_row(cli):
    outcome = cli("lexicon", "explain", "type 2 diabetes")
    assert "E11" in outcome.out
    assert "e_endocrine.tsv:" in outcome.out


def test_lexicon_explain_of_an_unknown_phrase(cli):
    outcome = cli("lexicon", "explain", "green cheese moon")
    assert (outcome.code, outcome.out) == (1, "")
    assert "does not know" in outcome.err


@pytest.mark.parametrize(("name", "meant"), [("WROKERS", "DETECT_ICD_WORKERS"), ("TLS_CERT", "DETECT_ICD_TLS_")])
def test_a_misspelt_variable_is_refused(cli, monkeypatch, name, meant):
    monkeypatch.setenv(f"DETECT_ICD_{name}", "8")
    outcome = cli("serve", "--print-config")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert f"DETECT_ICD_{name} is no setting" in outcome.err
    assert meant in outcome.err


@pytest.mark.parametrize("name", ["PORT", "SERVICE_HOST", "PORT_50051_TCP_ADDR", "HEALTH_SERVICE_PORT_GRPC"])
def test_variables_of_kubernetes_are_no_settings(cli, monkeypatch, name):
    monkeypatch.setenv(f"DETECT_ICD_{name}", "tcp://10.0.0.1:50051")
    assert cli("serve", "--print-config").code == 0


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--keepalive-seconds", "inf"),
        ("--max-seconds", "nan"),
        ("--max-connection-age-seconds", "1e12"),
        ("--max-connection-calls", "5000000000"),
        ("--address", "50051"),
        ("--address", "127.0.0.1"),
        ("--address", "127.0.0.1:99999"),
        ("--metrics-address", "9464"),
        ("--health-address", ":50052"),
    ],
)
def test_values_that_mean_nothing_are_refused(cli, flag, value):
    outcome = cli("serve", flag, value, "--print-config")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert f"{flag} (DETECT_ICD_" in outcome.err


def test_a_socket_file_is_an_address(tmp_path):
    command = [sys.executable, ROOT / "server.py", "--address", f"unix:{tmp_path}/s", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().split()[-1] == f"unix:{tmp_path}/s"
        assert probe(f"unix:{tmp_path}/s") == "SERVING"
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize("flag", ["--lexicon-dir", "--necessity-dir"])
def test_a_folder_that_is_named_must_hold_something(command, tmp_path, flag):
    outcome = command("serve", "--address", "127.0.0.1:0", flag, tmp_path)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "import into it first" in outcome.err
