"""Every row of the lexicon does what it says: phrases mean their concept, examples give what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect_icd import Detector
from detect_icd.compile.schemas import CONCEPTS, TABLES
from detect_icd.compile.tables import read_table
from detect_icd.lexicon import Lexicon, phrases_of

LEXICON = Path(__file__).resolve().parents[2] / "lexicon"


def rows(name: str) -> list[dict[str, str]]:
    return read_table(LEXICON / f"{name}.tsv", TABLES[name])


@pytest.fixture(scope="module")
def meanings() -> dict[str, list[str | None]]:
    """Key -> concept ids of its senses (None: no diagnosis), in order."""
    phrases = Lexicon.default().phrases
    return {
        key: [sense.entry.concept.id if sense.entry else None for sense in phrases.senses(number)]
        for number, key in enumerate(phrases.keys)
    }


@pytest.mark.parametrize("path", sorted((LEXICON / "concepts").glob("*.tsv")), ids=lambda path: path.stem)
def test_every_phrase_of_a_chapter_means_its_concept(path: Path, meanings: dict[str, list[str | None]]) -> None:
    from detect_icd.text import normalize_phrase

    phrases = Lexicon.default().phrases
    wrong = [
        f"{row['_at']} {text}"
        for row in read_table(path, CONCEPTS)
        for text in phrases_of(row["phrases"])
        if row["concept"] not in meanings[phrases.key(normalize_phrase(text))]
    ]
    assert not wrong


@pytest.mark.parametrize("path", sorted((LEXICON / "concepts").glob("*.tsv")), ids=lambda path: path.stem)
def test_rows_of_a_chapter_stand_in_order(path: Path) -> None:
    order = [(row["code"], row["concept"]) for row in read_table(path, CONCEPTS)]
    assert order == sorted(order)


@pytest.mark.parametrize("row", rows("suppressions"), ids=lambda row: row["phrase"])
def test_a_suppressed_phrase_names_no_condition(detector: Detector, row: dict[str, str]) -> None:
    found = detector.detect(row["example"]).mentions
    start = row["example"].lower().find(row["phrase"].lower())
    assert start >= 0
    assert not [m for m in found if m.span.start < start + len(row["phrase"]) and start < m.span.end]


@pytest.mark.parametrize("row", rows("findings"), ids=lambda row: row["concept"])
def test_a_vague_finding_is_a_mention_and_no_assignment(detector: Detector, row: dict[str, str]) -> None:
    detection = detector.detect(row["example"])
    assert row["concept"] in [m.concept.id for m in detection.mentions]
    assert not detection.assignments


@pytest.mark.parametrize("row", rows("meanings"), ids=lambda row: f"{row['finding']} {row['concept']}")
def test_the_note_tells_what_a_vague_finding_is(detector: Detector, row: dict[str, str]) -> None:
    code = Lexicon.default().phrases.by_concept[row["concept"]].code
    mentions = detector.detect(row["example"]).mentions
    assert any(m.concept.id == row["finding"] and m.codes and m.codes[0].code.startswith(code) for m in mentions)


@pytest.mark.parametrize("row", rows("refinements"), ids=lambda row: row["result"])
def test_a_refinement_follows_its_attribute(detector: Detector, row: dict[str, str]) -> None:
    codes = [c.code for m in detector.detect(row["example"]).mentions for c in m.codes]
    assert codes[0].startswith(row["result"])


@pytest.mark.parametrize("row", rows("measures"), ids=lambda row: f"{row['code']} {row['before']}")
def test_a_measured_fact_has_its_code(detector: Detector, row: dict[str, str]) -> None:
    kinds = {m.codes[0].code for m in detector.detect(row["example"]).mentions if m.concept.id == row["concept"]}
    assert {code[: len(row["code"].split("{")[0])] for code in kinds} == {row["code"].split("{")[0]}


@pytest.mark.parametrize("row", rows("attributes"), ids=lambda row: row["words"][:30])
def test_an_attribute_is_seen_or_passed_over(detector: Detector, row: dict[str, str]) -> None:
    detection = detector.detect(row["example"])
    assert detection.mentions
    if row["value"] and row["kind"] not in {"sex", "carrier"}:
        assert row["value"] in [a.value for m in detection.mentions for a in m.attributes]
