"""The golden set: short notes of our own with every code a coder would report, in order, for both settings.

One note a line in `*.jsonl`, a file a chapter: `id`, `text`, `outpatient` and `inpatient` (codes in reporting
order) and `guidelines` (the sections of the Official Guidelines that decide it). The codes are what the
guidelines demand, looked up in the code set of the day below; they are never taken from a run.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from detect_icd import Detector
from detect_icd.model import DetectRequest, Setting

DAY = date(2026, 11, 16)
FILES = sorted(Path(__file__).parent.glob("*.jsonl"))
NOTES = [json.loads(line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
CASES = [pytest.param(note, setting, id=f"{note['id']}-{setting.lower()}") for note in NOTES for setting in Setting]


@pytest.mark.parametrize(("note", "setting"), CASES)
def test_the_codes_of_a_note(detector: Detector, note: dict[str, Any], setting: Setting) -> None:
    request = DetectRequest(note["text"], date_of_service=DAY, setting=setting)
    codes = [assignment.code for assignment in detector.detect(request).assignments]
    assert codes == note[setting.lower()], note["text"]


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note["id"])
def test_the_expected_codes_are_billable_on_the_day(detector: Detector, note: dict[str, Any]) -> None:
    release = detector.lexicon.codeset.on(DAY)
    assert [c for c in (*note["outpatient"], *note["inpatient"]) if not release.is_billable(c)] == []


def test_the_notes_are_many_and_each_has_its_id() -> None:
    assert len(NOTES) >= 150
    assert len({note["id"] for note in NOTES}) == len(NOTES)


def test_both_settings_differ_somewhere() -> None:
    assert any(note["outpatient"] != note["inpatient"] for note in NOTES)
