"""Time is linear in the text, whatever stands in it: no text can hold a worker for long.

Each of these once took minutes, or would have: a machine of any speed reads 64,000 characters in far less than the limit.
"""

from __future__ import annotations

import time

import pytest

from detect_icd.model import DetectRequest

SIZE = 64_000
LIMIT_SECONDS = 4.0

WORST = {
    "full stops": ".",
    "parentheses": "(",
    "line ends": "x\n",
    "headers": "FAMILY HISTORY:\n",
    "one word": "a",
    "letters with marks": "e\u0301",
    "digits": "1",
    "decimals": "1.",
    "list items": "1) flu\n",
    "no": "no ",
    "quotes after a stop": '."',
    "a short form of many senses": "MS ",
    "another": "PE FH: o old MI ",
    "mentions": "flu, asthma, CKD stage 3; BMI 41 ",
    "cues": "no history of mother had flu if she ",
    "spaces": "flu" + " " * 200,
    "underscores": "_",
    "hyphens": "flu-",
    "apostrophes": "a'",
    "bullets": "- ",
    "codes": "E11.42 ",
}


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_reading(detector, unit):
    text = (unit * SIZE)[:SIZE] + " x1a"
    began = time.process_time()
    detector.detect(DetectRequest(text, max_candidates=25))
    assert time.process_time() - began < LIMIT_SECONDS
