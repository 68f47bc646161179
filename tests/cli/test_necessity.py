"""`detect-icd necessity`: an unsupported line is an answer; bad use is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAIM, NOTE = ROOT / "examples" / "claim.json", ROOT / "examples" / "pain_clinic.txt"


@pytest.fixture(autouse=True)
def no_imports(monkeypatch, tmp_path):
    monkeypatch.setenv("DETECT_ICD_NECESSITY_DIR", str(tmp_path))


def write(tmp_path, **fields):
    path = tmp_path / "claim.json"
    path.write_text(json.dumps({"date_of_service": "2026-11-02"} | fields))
    return path


def test_a_claim_as_json(cli):
    done = cli("necessity", "check", CLAIM, "--format", "json")
    answer = json.loads(done.out)
    assert done.code == 0
    assert list(answer) == ["lines", "diagnoses", "assumptions", "data_releases"]
    [line] = answer["lines"]
    assert (line["line_number"], line["procedure"], line["determination"]) == (1, "0441T", "MANUAL_REVIEW")
    assert (line["findings"][0]["policy_id"], line["findings"][0]["reason"]) == ("CGS-CRYO-2022", "CASE_BY_CASE")
    assert (line["line_edits"], line["indication"]["status"]) == ([], "SUPPORTED")
    assert line["notices"][0]["kind"] == "CARRIER_PRICED"


def test_bare_strings_stand_for_records(cli, tmp_path):
    path = write(
        tmp_path,
        payer="Elevance",
        diagnoses=["M17.11"],
        lines=[{"line_number": 7, "procedure": "0441T", "pointers": [1]}],
    )
    [line] = json.loads(cli("necessity", "check", path, "--format", "json").out)["lines"]
    assert (line["line_number"], line["determination"]) == (7, "NOT_COVERED")


def test_line_edits_as_json(cli, tmp_path):
    lines = [
        {"line_number": 1, "procedure": "0441T", "modifiers": ["RT"], "pointers": [1]},
        {"line_number": 2, "procedure": "99213", "pointers": [1]},
    ]
    path = write(tmp_path, diagnoses=["G57.92"], lines=lines)
    first, second = json.loads(cli("necessity", "check", path, "--format", "json").out)["lines"]
    assert [(e["kind"], e["severity"]) for e in first["line_edits"]] == [("LATERALITY_MISMATCH", "WARN")]
    [pair] = second["line_edits"]
    assert (pair["other_line"], pair["bypass_modifiers"][0]) == (1, "25")


def test_a_table_with_the_note(command):
    done = command("necessity", "check", CLAIM, "--note", NOTE)
    assert (done.code, "MANUAL_REVIEW" in done.out, "failed gabapentin" in done.out) == (0, True, True)


def test_here_and_on_a_server_alike(command, address):
    here = command("necessity", "check", CLAIM, "--note", NOTE, "--format", "json")
    there = command("necessity", "check", CLAIM, "--note", NOTE, "--format", "json", "--target", address)
    assert (here.code, json.loads(here.out)) == (0, json.loads(there.out))


def test_a_note_alone(command):
    done = command("necessity", "check", "--note", NOTE, "--format", "json")
    assert "0441T" in [line["procedure"] for line in json.loads(done.out)["lines"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["procedure", "0441T"], ["contractor", "A59752", "MP-626", "64450"]),
        (["diagnoses", "90867"], ["F32.2", "A57528"]),
        (["procedures", "G57.92"], ["0441T", "64640"]),
        (["schema"], ["detect-icd-policies/1"]),
        (["list"], ["nothing is imported"]),
    ],
)
def test_look_ups(cli, arguments, words):
    done = cli("necessity", *arguments)
    assert done.code == 0
    assert [word for word in words if word not in done.out] == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"diagnoses": ["I10"] * 13, "lines": [{"procedure": "0441T"}]}, "12"),
        ({"diagnoses": ["I10"], "lines": [{"procedure": ""}]}, "procedure"),
        ({"diagnoses": "I10", "lines": []}, "list"),
        ({"state": "Narnia", "diagnoses": ["I10"]}, "state"),
        ({"date_of_service": "2026-13-40"}, "date_of_service"),
        ({"claim_type": "DENTAL"}, "PROFESSIONAL"),
        ({}, "empty"),
    ],
)
def test_what_is_no_claim_is_one_clear_line(cli, tmp_path, fields, word):
    done = cli("necessity", "check", write(tmp_path, **fields))
    assert (done.code, done.out) == (2, "")
    assert word in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["check"], ["check", "nowhere.json"], ["procedures"], ["import", "nowhere.zip"]])
def test_bad_use(cli, arguments):
    assert cli("necessity", *arguments).code in (1, 2)


def test_an_unknown_procedure(cli):
    assert cli("necessity", "procedure", "ZZZZZ").code == 1
