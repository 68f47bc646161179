"""Which headers open a section, in the forms real notes have."""

from __future__ import annotations

import pytest
from context_setup import table

from detect_icd.errors import LexiconError
from detect_icd.model import Experiencer, Temporality
from detect_icd.stages.sections import OTHER, SectionTable, find_sections
from detect_icd.text import NormalizedText


def outline(source: str) -> list[tuple[str, str]]:
    """Section names with their headers as written."""
    return [(section.name, section.header.of(source)) for section in find_sections(NormalizedText.of(source), table())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("HPI: cough", [("HPI", "HPI:")]),
        ("hpi: cough", [("HPI", "hpi:")]),
        ("PAST MEDICAL HISTORY\nasthma", [("PAST_MEDICAL_HISTORY", "PAST MEDICAL HISTORY")]),
        ("Past Medical History\n\nasthma", [("PAST_MEDICAL_HISTORY", "Past Medical History")]),
        ("## Assessment\ngout", [("ASSESSMENT", "## Assessment")]),
        ("**Plan:** rest", [("PLAN", "**Plan:**")]),
        ("**Plan**: rest", [("PLAN", "**Plan**:")]),
        ("1. HPI: cough", [("HPI", "1. HPI:")]),
        ("  PMH:asthma", [("PAST_MEDICAL_HISTORY", "  PMH:")]),
        ("PMHx - asthma", [("PAST_MEDICAL_HISTORY", "PMHx -")]),
        ("O/E: wheeze", [("EXAM", "O/E:")]),
        ("Imp: gout", [("IMPRESSION", "Imp:")]),
        ("DH: none", [("MEDICATIONS", "DH:")]),
        ("Assessment & Plan: gout", [("ASSESSMENT_AND_PLAN", "Assessment & Plan:")]),
        ("A/P: gout", [("ASSESSMENT_AND_PLAN", "A/P:")]),
        ("CLINICAL HISTORY: cough.\nIMPRESSION: normal", [
            ("CLINICAL_HISTORY", "CLINICAL HISTORY:"), ("IMPRESSION", "IMPRESSION:")]),
        ("PREOPERATIVE DIAGNOSIS: Cyst POSTOPERATIVE DIAGNOSIS: Ganglion", [
            ("PREOPERATIVE_DIAGNOSIS", "PREOPERATIVE DIAGNOSIS:"), ("POSTOPERATIVE_DIAGNOSIS", "POSTOPERATIVE DIAGNOSIS:")]),
        ("Findings: clear. Impression: normal.", [("FINDINGS", "Findings:"), ("IMPRESSION", "Impression:")]),
        ("FINDINGS: clear. WEATHER NEWS: sunny.", [("FINDINGS", "FINDINGS:"), (OTHER, "WEATHER NEWS:")]),
        ("# Something new\ntext", [(OTHER, "# Something new")]),
        ("seen today\nPlan: rest", [("", ""), ("PLAN", "Plan:")]),
    ],
)  # fmt: skip
def test_a_header_opens_its_section(source: str, expected: list[tuple[str, str]]) -> None:
    assert outline(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "She has no history: none taken.",
        "the plan: rest",
        "- Allergies\n- Plan",
        "She asked about the plan\nand left",
        "1. Allergies\n2. Asthma",
        "Ratio 1:2, time 12:30",
        "BP: 120/80",
        "Cardiovascular: no murmur",
        "CARDIOVASCULAR: no murmur",
        "",
    ],
)
def test_what_only_looks_like_a_header_opens_none(source: str) -> None:
    assert [name for name, _ in outline(source) if name] == []


def test_a_field_does_not_end_its_section() -> None:
    assert outline("FAMILY HISTORY:\nMOTHER: gout\nFATHER: stroke") == [("FAMILY_HISTORY", "FAMILY HISTORY:")]


def test_prose_after_a_blank_line_ends_a_one_line_history() -> None:
    source = "PMH: asthma, gout\n\nShe came in today because of a cough that has lasted for about ten days now."
    assert [name for name, _ in outline(source)] == ["PAST_MEDICAL_HISTORY", ""]


def test_a_list_after_a_blank_line_stays_in_the_history() -> None:
    assert [name for name, _ in outline("PMH: asthma\n\n- gout\n\n- stroke")] == ["PAST_MEDICAL_HISTORY"]


def test_a_section_carries_the_defaults_of_its_row() -> None:
    (past, family) = find_sections(NormalizedText.of("PMH: gout\nFHx: stroke"), table())
    assert (past.defaults.temporality, past.defaults.experiencer) == (Temporality.HISTORICAL, Experiencer.PATIENT)
    assert (family.defaults.temporality, family.defaults.experiencer) == (Temporality.CURRENT, Experiencer.FAMILY)


def test_a_header_that_stands_twice_is_refused() -> None:
    row = {"header": "plan", "section": "PLAN", "presence": "", "certainty": "", "temporality": "", "experiencer": ""}
    with pytest.raises(LexiconError, match="stands twice"):
        SectionTable([row, {**row, "section": "OTHER"}])


@pytest.mark.parametrize(
    "source", ["#" * 50_000, "** " * 20_000, "\n" * 50_000, " " * 50_000 + ":", "PMH: a" + "\n" * 50_000]
)
def test_monotonous_text_is_read_in_no_time(source: str) -> None:
    assert find_sections(NormalizedText.of(source), table())
