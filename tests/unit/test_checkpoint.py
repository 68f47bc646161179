"""Work nobody waits for any more stops soon, in whatever stage it is."""

from __future__ import annotations

import pytest

from detect_icd.errors import CancelledError

NOTE = "Asthma, COPD and hypertension. No chest pain.\n" * 100


def test_the_detector_looks_up_between_mentions(detector):
    calls = []
    detection = detector.detect(NOTE, checkpoint=lambda: calls.append(1))
    assert len(calls) > len(detection.mentions)


@pytest.mark.parametrize("patience", [0, 5, 50, 300])
def test_it_stops_at_the_first_word(detector, patience):
    calls = []

    def checkpoint() -> None:
        calls.append(1)
        if len(calls) > patience:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        detector.detect(NOTE, checkpoint=checkpoint)
    assert len(calls) == patience + 1
