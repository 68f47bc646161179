"""`batch`: the same bytes whoever does the work; nothing lost on the way."""

from __future__ import annotations

import json

import pytest

from detect_icd.formats.json import dump_line, to_plain
from detect_icd.model import DetectRequest

TEXTS = [
    "Type 2 diabetes with polyneuropathy.",
    "No neuropathic pain of the left lower limb.",
    "",
    "Hypertension, \U0001f600 asthma\r\nand COPD.",
    "Sjögren’s syndrome; no fever.",
    "a\0b",
]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "in.jsonl"
    lines = [json.dumps({"id": f"d{n % 5}", "text": text}) for n, text in enumerate(TEXTS * 6)]
    lines[3:3] = ["{bad json", "", '{"id": "n", "text": "\\ud800"}']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def answered(corpus, cli, address, tmp_path):
    """The corpus answered by the server."""
    out = tmp_path / "there.jsonl"
    outcome = cli("batch", corpus, out, "--target", address, "--workers", 4)
    assert outcome.code == 1, outcome.err
    return out


def test_every_line_has_its_answer(answered):
    out = [json.loads(line) for line in answered.read_bytes().splitlines()]
    assert len(out) == 6 * len(TEXTS) + 2
    assert [line["error"]["reason"] for line in out if "error" in line and line["line"] < 8] == [
        "TEXT_EMPTY",
        "INVALID_JSON",
        "INVALID_UNICODE",
    ]
    assert [a["code"] for a in out[0]["assignments"]] == ["E11.42"]


def test_the_batch_gives_what_single_calls_give(answered, detector):
    lines = answered.read_text(encoding="utf-8").splitlines()
    good = dict(enumerate(TEXTS[:2]))
    for number, text in good.items():
        assert lines[number] == dump_line(to_plain(detector.detect(DetectRequest(text, document_id=f"d{number}"))))


def test_processes_here_give_the_same_bytes(command, corpus, answered, tmp_path):
    out = tmp_path / "here.jsonl"
    outcome = command("batch", corpus, out, "--workers", 2)
    assert outcome.code == 1
    assert outcome.err == "38 documents, 14 failed\n"
    assert out.read_bytes() == answered.read_bytes()


def test_resuming_gives_the_same_file(cli, corpus, answered, address, tmp_path):
    out = tmp_path / "half.jsonl"
    out.write_bytes(answered.read_bytes()[:5000])
    outcome = cli("batch", corpus, out, "--target", address, "--resume")
    assert "were there already" in outcome.err
    assert out.read_bytes() == answered.read_bytes()


def test_standard_input_and_output(cli, address):
    outcome = cli("batch", "-", "-", "--target", address, stdin=b'{"id": 7, "text": "asthma"}')
    assert outcome.code == 0
    assert json.loads(outcome.out)["document_id"] == "7"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["batch", "missing.jsonl", "out.jsonl"], 2, "no such file"),
        (["batch", ".", "out.jsonl"], 2, "is a directory"),
        (["batch", "IN", "."], 2, "is a directory"),
        (["batch", "IN", "IN"], 2, "same file"),
        (["batch", "IN", "-", "--resume"], 2, "--resume"),
        (["batch", "IN", "no/such/folder/out.jsonl"], 2, "No such file"),
        (["batch", "IN", "-", "--workers", "0"], 2, "workers"),
        (["batch", "IN", "-", "--target", "127.0.0.1:1", "--timeout", "2"], 3, "cannot be reached"),
    ],
)
def test_a_fault_is_one_clear_line(cli, corpus, arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli(*(corpus if argument == "IN" else argument for argument in arguments))
    assert outcome.code == code
    assert outcome.err.startswith("detect-icd: ")
    assert outcome.err.count("\n") == 1
    assert words in outcome.err
