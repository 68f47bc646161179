"""Where sentences end in clinical writing."""

from __future__ import annotations

import pytest
from context_setup import table

from detect_icd.stages.sections import find_sections
from detect_icd.stages.sentences import MAX_TOKENS, split_sentences
from detect_icd.text import NormalizedText


def split(source: str) -> list[str]:
    text = NormalizedText.of(source)
    return [source[one.start : one.end].strip() for one in split_sentences(text, find_sections(text, table()))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("   ", [""]),
        ("No fever. No cough.", ["No fever.", "No cough."]),
        ("no fever. no cough.", ["no fever.", "no cough."]),
        ("Seen by Dr. Smith. Well.", ["Seen by Dr. Smith.", "Well."]),
        ("Flu vs. COVID today.", ["Flu vs. COVID today."]),
        ("Pain, e.g. Sciatica.", ["Pain, e.g. Sciatica."]),
        ("Takes 5 mg q.d. for pain.", ["Takes 5 mg q.d. for pain."]),
        ("Takes 5 mg p.o. Patient is well.", ["Takes 5 mg p.o.", "Patient is well."]),
        ("Admitted to St. Mary. Better.", ["Admitted to St. Mary.", "Better."]),
        ("The pt. denies pain.", ["The pt. denies pain."]),
        ("H. pylori negative.", ["H. pylori negative."]),
        ("Measures 1.5 cm. Stable.", ["Measures 1.5 cm.", "Stable."]),
        ("1.No evidence of PE. 2.Clear.", ["1.No evidence of PE.", "2.Clear."]),
        ("1. Right effusion. 2. Edema.", ["1. Right effusion.", "2. Edema."]),
        ("1. Asthma 2. Gout", ["1. Asthma", "2. Gout"]),
        ("Ulcer of stage 2. He walks.", ["Ulcer of stage 2.", "He walks."]),
        ("No pain.He walks.", ["No pain.", "He walks."]),
        ("- cough\n- rash", ["- cough", "- rash"]),
        ("Denies:\n\u2022 cough\n\u2022 rash", ["Denies:", "\u2022 cough", "\u2022 rash"]),
        ("1) gout\n2) asthma", ["1) gout", "2) asthma"]),
        ("No evidence of\npneumonia today", ["No evidence of\npneumonia today"]),
        (
            "The patient came in today with a long history of\ncough and she was well otherwise",
            ["The patient came in today with a long history of\ncough and she was well otherwise"],
        ),
        (
            "She has been feeling unwell for a number of days with\nfever and chills",
            ["She has been feeling unwell for a number of days with\nfever and chills"],
        ),
        ("Nil fever\nNil cough", ["Nil fever", "Nil cough"]),
        ("nil fever\nnil cough", ["nil fever", "nil cough"]),
        ("No cough reported by this patient at all today  \nsmokes", [
            "No cough reported by this patient at all today", "smokes"]),
        ("Diabetes: No\nHypertension: yes", ["Diabetes: No", "Hypertension: yes"]),
        ("gout\n\nasthma", ["gout", "asthma"]),
        ("Dx ?UTI today", ["Dx ?UTI today"]),
        ("Dx ? UTI today", ["Dx ? UTI today"]),
        ("Any pain? No. Any cough? Yes.", ["Any pain? No.", "Any cough? Yes."]),
        ("Was it gout? She thinks so.", ["Was it gout?", "She thinks so."]),
        ("PMH: asthma. Gout.", ["PMH:", "asthma.", "Gout."]),
        ("PLAN\nRest.", ["PLAN", "Rest."]),
        ("No fever\r\nNo cough\r\n", ["No fever", "No cough"]),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_would_end_them(source: str, expected: list[str]) -> None:
    assert split(source) == expected


def test_an_endless_sentence_is_cut() -> None:
    text = NormalizedText.of("word " * (MAX_TOKENS * 2 + 5))
    sentences = split_sentences(text, find_sections(text, table()))
    assert [one.last - one.first for one in sentences] == [MAX_TOKENS, MAX_TOKENS, 5]


def test_a_sentence_knows_its_section() -> None:
    text = NormalizedText.of("Seen.\nPMH: gout")
    sections = find_sections(text, table())
    assert [sections[one.section].name for one in split_sentences(text, sections)] == [
        "", "PAST_MEDICAL_HISTORY", "PAST_MEDICAL_HISTORY",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source", [". " * 30_000, "1. " * 30_000, "\n" * 50_000, "a:\n" * 30_000, "? " * 30_000, "a.B" * 30_000]
)
def test_monotonous_text_is_split_in_no_time(source: str) -> None:
    assert "".join(source[one.start : one.end] for one in _sentences(source)) == source


def _sentences(source: str):  # type: ignore[no-untyped-def]
    text = NormalizedText.of(source)
    return split_sentences(text, find_sections(text, table()))
