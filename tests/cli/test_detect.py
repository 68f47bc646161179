"""`detect` and `stream`: what they print, here and there, and how they fail."""

from __future__ import annotations

import json

import pytest

NOTE = "HPI: Type 2 diabetes with polyneuropathy.\r\nDenies chest pain \U0001f600.\nMother had breast cancer.\n"


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(NOTE.encode())
    return path


@pytest.mark.parametrize("form", ["json", "html", "table"])
def test_local_and_remote_print_the_same(command, address, note, form):
    here = command("detect", note, "--format", form)
    there = command("detect", note, "--format", form, "--target", address)
    assert (here.code, there.code) == (0, 0), here.err + there.err
    assert here.out == there.out
    assert "E11.42" in here.out


def test_json_quotes_the_file_exactly(cli, address, note):
    answer = json.loads(cli("detect", note, "--format", "json", "--target", address).out)
    assert answer["document_id"] == "note.txt"
    assert answer["mentions"]
    for mention in answer["mentions"]:
        assert NOTE[mention["span"]["start"] : mention["span"]["end"]] == mention["text"]


def test_standard_input_is_the_default(cli, address):
    outcome = cli("detect", "--format", "json", "--target", address, stdin=b"\xef\xbb\xbfType 2 diabetes")
    answer = json.loads(outcome.out)
    assert [a["code"] for a in answer["assignments"]] == ["E11.9"]
    assert answer["mentions"][0]["span"]["end"] == 16


def test_options_reach_the_detector(cli, address):
    outcome = cli(
        *("detect", "--format", "json", "--target", address, "--date-of-service", "2026-03-31"),
        *("--setting", "SETTING_INPATIENT"),
        stdin=b"Probable pneumonia.",
    )
    answer = json.loads(outcome.out)
    assert answer["versions"]["code_set"] == "FY2026"
    assert [a["code"] for a in answer["assignments"]] == ["J18.9"]


def test_explain_says_why(cli, address, note):
    outcome = cli("detect", note, "--explain", "--target", address)
    assert 'asserted absent, because of "Denies" at 43 (negation)' in outcome.out
    assert "assigned E11.42" in outcome.out


def test_output_goes_to_a_file(cli, address, note, tmp_path):
    page = tmp_path / "page.html"
    outcome = cli("detect", note, "--format", "html", "--output", page, "--target", address)
    assert (outcome.code, outcome.out) == (0, "")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["detect", "missing.txt"], b"", 2, "no such file"),
        (["detect", "."], b"", 2, "is a directory"),
        (["detect"], b"\x7fELF\xff\xfe", 1, "not UTF-8"),
        (["detect"], b"a\0b", 1, "NUL"),
        (["detect", "--format", "pdf"], b"", 2, "'pdf'"),
        (["detect", "--setting", "HOME"], b"x", 2, "setting must be one of OUTPATIENT, INPATIENT"),
        (["detect", "--date-of-service", "31.12.2025"], b"x", 2, "YYYY-MM-DD"),
        (["detect", "--explain", "--format", "json"], b"x", 2, "--explain"),
        (["detect", "--nonsense"], b"", 2, "--nonsense"),
        (["guess"], b"", 2, "guess"),
        (["detect", "--target", "127.0.0.1:1", "--timeout", "2"], b"x", 3, "cannot be reached"),
        (["stream", "--target", "127.0.0.1:1"], b"x", 3, "cannot be reached"),
    ],
)
def test_a_fault_is_one_clear_line(cli, arguments, stdin, code, words):
    outcome = cli(*arguments, stdin=stdin)
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.startswith("detect-icd: ")
    assert outcome.err.count("\n") == 1
    assert words in outcome.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["detect"], b"", 1, "text is empty"),
        (["detect"], b" \r\n\t ", 1, "text is blank"),
        (["detect"], b"x" * 1_048_577, 1, "1,048,576"),
        (["detect", "--date-of-service", "1999-01-01"], b"x", 2, "1999-01-01"),
    ],
)
def test_what_the_server_refuses_is_said_as_clearly(cli, address, arguments, stdin, code, words):
    outcome = cli(*arguments, "--target", address, stdin=stdin)
    assert (outcome.code, outcome.err.count("\n")) == (code, 1)
    assert words in outcome.err


def test_local_faults_read_the_same(command, address):
    here = command("detect", stdin=b" ")
    assert here == command("detect", "--target", address, stdin=b" ")
    assert here.code == 1


def test_stream_prints_mentions_as_they_settle(cli, address):
    text = "No chest pain. She has asthma.\n\nType 2 diabetes.\n\n" + "The plan was discussed at length.\n" * 20
    outcome = cli("stream", "--target", address, stdin=text.encode())
    assert outcome.code == 0
    assert "3-13\tchest pain\tchest pain\tabsent\n" in outcome.out
    assert "E11.9" in outcome.out
