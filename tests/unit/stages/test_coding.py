"""What a told symptom, a past condition, a relative's and a written code become."""

import pytest

from detect_icd import Detector


@pytest.mark.parametrize(
    ("note", "codes"),
    [
        ("History of cough for one week.", ["R05.9"]),
        ("Initial diarrhea, but now resolved.", []),
        ("Asthma, which has since resolved.", []),
        ("PMH: cough.", []),
        ("PMH: hypertension.", ["I10"]),
        ("History of pulmonary embolism.", ["Z86.711"]),
        ("Mother had breast cancer.", ["Z80.3"]),
        ("Mononeuropathy of left lower limb (G57.92).", ["G57.92"]),
        ("Pneumonia E11.9", ["J18.9"]),
    ],
)
def test_what_is_assigned(detector: Detector, note: str, codes: list[str]) -> None:
    assert [a.code for a in detector.detect(note).assignments] == codes


def test_a_written_code_that_disagrees_is_an_alert(detector: Detector) -> None:
    assert [alert.kind for alert in detector.detect("Pneumonia E11.9").alerts] == ["WRITTEN_CODE_DISAGREES"]
