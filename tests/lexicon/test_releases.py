"""Detection follows the code set of the date of service."""

from __future__ import annotations

from datetime import date

import pytest

from detect_icd import Detector
from detect_icd.model import DetectRequest


@pytest.mark.parametrize(
    ("text", "day", "code"),
    [
        ("Multiple sclerosis.", date(2025, 9, 30), "G35"),
        ("Multiple sclerosis.", date(2025, 10, 1), "G35.D"),
        ("Plantar fasciitis of the right foot.", date(2026, 9, 30), "M72.2"),
        ("Plantar fasciitis of the right foot.", date(2026, 10, 1), "M67.A01"),
        ("Plantar fasciitis of the left foot.", date(2026, 10, 1), "M67.A02"),
        ("Plantar fasciitis.", date(2026, 10, 1), "M67.A09"),
        ("Dilated cardiomyopathy.", date(2026, 9, 30), "I42.0"),
        ("Dilated cardiomyopathy.", date(2026, 10, 1), "I42.00"),
        ("Brugada syndrome.", date(2026, 9, 30), "I49.8"),
        ("Brugada syndrome.", date(2026, 10, 1), "I49.81"),
        ("Loeys-Dietz syndrome.", date(2026, 9, 30), "Q87.89"),
        ("Loeys-Dietz syndrome.", date(2026, 10, 1), "Q87.A"),
    ],
)
def test_the_code_of_the_day(detector: Detector, text: str, day: date, code: str) -> None:
    (mention,) = detector.detect(DetectRequest(text, date_of_service=day)).mentions
    assert mention.codes[0].code == code
    assert mention.codes[0].billable


def test_an_ancestors_title_is_named_as_such(detector: Detector) -> None:
    detection = detector.detect(DetectRequest("Plantar fasciitis.", date_of_service=date(2026, 10, 1)))
    assert detection.assignments[0].description == "Other disorders of synovium and tendon [title of M67]"
