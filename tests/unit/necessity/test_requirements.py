"""Documentation found in notes, with the words that show it."""

from __future__ import annotations

from datetime import date

import pytest

from detect_icd.model import DetectRequest
from detect_icd.necessity.checker import NecessityChecker

DAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def found(detector):
    checker = NecessityChecker(detector.lexicon, detector)

    def find(requirement, words, procedure="0441T"):
        note = checker.read(DetectRequest(words), DAY)
        checked = checker.requirements.check(
            procedure, note, [m for m in note.detection.mentions if m.reportable], frozenset()
        )
        [one] = [r for r in checked if r.id == requirement]
        for quote in one.quotes:
            assert words[quote.span.start : quote.span.end] == quote.text
        return one.status, [quote.text for quote in one.quotes]

    return find


@pytest.mark.parametrize(
    ("words", "status", "quotes"),
    [
        ("Failed gabapentin.", "MET", ["Failed gabapentin"]),
        ("Gabapentin was not tolerated.", "MET", ["Gabapentin was not tolerated"]),
        ("Physical therapy brought no lasting relief.", "MET", ["Physical therapy brought no lasting relief"]),
        ("Pain persists despite NSAIDs.", "MET", ["persists despite NSAIDs"]),
        ("She has not tried physical therapy.", "CONTRADICTED", ["has not tried physical therapy"]),
        ("He declined physical therapy.", "CONTRADICTED", ["declined physical therapy"]),
        ("Pain is well controlled on gabapentin.", "CONTRADICTED", ["well controlled on gabapentin"]),
        ("Takes gabapentin.", "NOT_FOUND", ["gabapentin"]),
        ("He failed PT.", "MET", ["failed PT"]),
        ("Pt failed to come.", "NOT_FOUND", []),
        ("Acute sinusitis.", "NOT_FOUND", []),
    ],
)
def test_conservative_treatment(found, words, status, quotes):
    assert found("CONSERVATIVE_TREATMENT_FAILED", words) == (status, quotes)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Neuropathic pain of the left leg for 8 months.", "MET"),
        ("Left leg pain since 2019.", "MET"),
        ("2 year history of burning pain in the leg.", "MET"),
        ("Leg pain for 3 weeks.", "CONTRADICTED"),
        ("Leg pain. Return for 6 months check.", "NOT_FOUND"),
        ("Leg pain despite 6 weeks of physical therapy.", "NOT_FOUND"),
        ("Leg pain for 8 months despite gabapentin for 6 weeks.", "MET"),
        ("Leg pain.", "NOT_FOUND"),
    ],
)
def test_duration(found, words, status):
    assert found("DURATION", words)[0] == status


@pytest.mark.parametrize(
    ("requirement", "words", "status"),
    [
        ("IMAGING_GUIDANCE", "Under ultrasound guidance the sural nerve was frozen.", "MET"),
        ("IMAGING_GUIDANCE", "Done without fluoroscopic guidance.", "CONTRADICTED"),
        ("DIAGNOSTIC_BLOCK", "A diagnostic nerve block gave 80% relief.", "MET"),
        ("DIAGNOSTIC_BLOCK", "She has not had a diagnostic block.", "CONTRADICTED"),
        ("DIAGNOSTIC_BLOCK", "The diagnostic block gave no relief.", "CONTRADICTED"),
        ("PAIN_SCORE", "Pain 7/10.", "MET"),
        ("PAIN_SCORE", "VAS 8.", "MET"),
        ("FUNCTIONAL_LIMIT", "Difficulty walking two blocks.", "MET"),
        ("FUNCTIONAL_LIMIT", "Denies difficulty walking.", "CONTRADICTED"),
        ("LATERALITY", "Mononeuropathy of the left lower limb.", "MET"),
    ],
)
def test_further_documentation(found, requirement, words, status):
    assert found(requirement, words)[0] == status
