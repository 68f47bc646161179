"""The service over the packaged lexicon: the same answers as the library gives, whoever else is asking."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from detect_icd.client import Client, ServerError
from detect_icd.model import DetectRequest, OffsetUnit

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("DETECT_ICD_SHARED", ROOT.parent / "shared"))
SMOKE = SHARED / "data" / "text" / "smoke_texts.jsonl"


@pytest.fixture(scope="module")
def client(address):
    with Client(address) as client:
        yield client


def test_the_projects_example(client):
    detection = client.detect("Chronic neuropathic pain of the left lower limb")
    [mention] = detection.mentions
    assert {"M79.2", "G57.92"} <= {candidate.code for candidate in mention.codes}
    assert [assignment.code for assignment in detection.assignments] == ["M79.2"]
    assert detection.assignments[0].procedure_links[0].procedure == "0441T"


@pytest.mark.parametrize("unit", OffsetUnit)
def test_offsets_count_the_callers_unit(client, unit):
    text = "\U0001f600 Sjögren’s syndrome"
    [mention] = client.detect(DetectRequest(text, offset_unit=unit)).mentions
    encoding, width = {
        OffsetUnit.UNICODE_CODE_POINT: ("utf-32-le", 4),
        OffsetUnit.UTF8_BYTE: ("utf-8", 1),
        OffsetUnit.UTF16_CODE_UNIT: ("utf-16-le", 2),
    }[unit]
    data = text.encode(encoding)
    assert data[mention.span.start * width : mention.span.end * width].decode(encoding) == mention.text


@pytest.mark.parametrize("day", ["1999-01-01", "2090-01-01"])
def test_a_day_without_a_code_set_is_refused(client, day):
    from datetime import date

    with pytest.raises(ServerError) as caught:
        client.detect(DetectRequest("asthma", date_of_service=date.fromisoformat(day)))
    error = caught.value
    assert (error.code, error.reason, error.field) == ("INVALID_ARGUMENT", "DATE_OF_SERVICE_UNKNOWN", "date_of_service")


def test_a_long_dense_note_and_its_answer_pass(client):
    text = "Type 2 diabetes with polyneuropathy, hypertension and asthma; no chest pain.\n" * 600
    assert len(client.detect(DetectRequest(text, max_candidates=25)).mentions) >= 2400


def test_many_callers_at_once_get_what_one_gets(client, detector):
    note = (ROOT / "examples" / "pain_clinic.txt").read_text(encoding="utf-8")
    texts = [line for line in note.splitlines() if line.strip()] * 8
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(client.detect, texts))
    assert together == [detector.detect(text) for text in texts]


@pytest.mark.skipif(not SMOKE.exists(), reason=f"{SMOKE.name} is not beside this checkout (set DETECT_ICD_SHARED)")
def test_texts_of_all_kinds_pass_and_are_quoted_exactly(client):
    with SMOKE.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, 0, None, 40)]
    for text in texts:
        for mention in client.detect(text).mentions:
            assert mention.span.of(text) == mention.text
