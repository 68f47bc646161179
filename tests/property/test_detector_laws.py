"""Laws of detection that hold for any text: spans, determinism, validity, negation, streaming."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detect_icd import Detection, Detector, DetectRequest, Mention, OffsetUnit, Setting, Span

law = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

PIECES = [
    "HPI: ", "PMH:\n", "FAMILY HISTORY: ", "Assessment:\n", "1. ", "- ", "\n", "\n\n", ". ", ", ", "; ", " and ", " or ",
    "No evidence of ", "Denies ", "History of ", "Mother had ", "rule out ", "possible ", "if she develops ", "without ",
    "neuropathic pain of the left lower limb", "Type 2 diabetes with polyneuropathy", "hypertension", "pneumonia",
    "fracture of the right femur", "CKD stage 3", "BMI 42.3", "Crohn\u2019s disease", "Sj\u00f6gren", "migraine without aura",
    "chest pain", "fever", "MS", "PE", "the patient ", "was seen", "negative for", "\u0130stanbul ", "\U0001f600 ", "E11.42",
]  # fmt: skip
notes = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)),
                 min_size=1, max_size=25).map("".join).filter(lambda text: any(c.isalnum() for c in text))  # fmt: skip


@law
@given(notes)
def test_every_span_quotes_the_source(detector: Detector, note: str) -> None:
    for mention in detector.detect(note).mentions:
        assert mention.span.of(note) == mention.text
        assert all(cue.span.of(note) == cue.text for cue in mention.cues)


@law
@given(notes, st.sampled_from([OffsetUnit.UTF8_BYTE, OffsetUnit.UTF16_CODE_UNIT]))
def test_offsets_are_in_the_callers_unit(detector: Detector, note: str, unit: OffsetUnit) -> None:
    encoding, width = ("utf-8", 1) if unit is OffsetUnit.UTF8_BYTE else ("utf-16-le", 2)
    encoded = note.encode(encoding)
    for mention in detector.detect(DetectRequest(note, offset_unit=unit)).mentions:
        piece = encoded[mention.span.start * width : mention.span.end * width]
        assert piece.decode(encoding) == mention.text


@law
@given(notes)
def test_mentions_stand_in_order_and_apart(detector: Detector, note: str) -> None:
    spans = [m.span for m in detector.detect(note).mentions]
    assert all(a.before(b) for a, b in pairwise(spans))


@law
@given(notes, st.sampled_from(Setting))
def test_every_assigned_code_is_billable_and_proven(detector: Detector, note: str, setting: Setting) -> None:
    detection = detector.detect(DetectRequest(note, setting=setting))
    release = detector.lexicon.codeset.on(detection.versions.code_set_effective_from)
    ids = {m.id for m in detection.mentions}
    for assignment in detection.assignments:
        assert release.is_billable(assignment.code)
        assert assignment.mention_ids
        assert ids.issuperset(assignment.mention_ids)


@law
@given(notes)
def test_the_same_request_gives_the_same_answer(detector: Detector, note: str) -> None:
    assert detector.detect(note) == detector.detect(note)


@pytest.mark.parametrize(
    "condition", ["neuropathic pain of the left lower limb", "pneumonia", "type 2 diabetes", "asthma"]
)
def test_no_evidence_of_a_lone_mention_assigns_nothing(detector: Detector, condition: str) -> None:
    assert detector.detect(f"{condition}.").assignments
    assert not detector.detect(f"No evidence of {condition}.").assignments


@pytest.mark.parametrize("note", ["Chronic neuropathic pain of the left lower limb.", "Denies fever. Has pneumonia."])
def test_white_space_and_case_change_no_code(detector: Detector, note: str) -> None:
    plain = [a.code for a in detector.detect(note).assignments]
    assert [a.code for a in detector.detect(note.replace(" ", "  ")).assignments] == plain
    assert [a.code for a in detector.detect(note.upper()).assignments] == plain


@law
@given(notes)
def test_an_unrelated_sentence_changes_no_earlier_finding(detector: Detector, note: str) -> None:
    before = detector.detect(f"{note}\n\nThe weather was fine.\n\n")
    after = detector.detect(f"{note}\n\nThe weather was fine.\n\nShe came by bus.")
    assert after.mentions == before.mentions


def chunks_of(note: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(note), *(cut % (len(note) + 1) for cut in cuts)})
    return [note[a:b] for a, b in pairwise(places)]


@law
@given(notes, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunking_gives_the_unary_result(detector: Detector, note: str, cuts: list[int]) -> None:
    document = detector.open(DetectRequest("", document_id="d"))
    for piece in chunks_of(note, cuts):
        document.append(piece)
    assert document.close() == detector.detect(DetectRequest(note, document_id="d"))


def settled_part(mention: Mention) -> Mention:
    return replace(mention, attributes=(), codes=(), reportable=False, not_reportable_reason=None)


def stream(detector: Detector, note: str, pieces: list[str]) -> tuple[list[Mention], int, Detection]:
    document = detector.open(DetectRequest(""))
    mentions: list[Mention] = []
    until = 0
    for piece in pieces:
        settled = document.append(piece)
        if settled is not None:
            assert settled.final_until > until
            until = settled.final_until
            mentions.extend(settled.mentions)
    return mentions, until, document.close()


@law
@given(st.lists(notes, min_size=2, max_size=8).map("\n".join), st.lists(st.integers(0, 10_000), max_size=40))
def test_what_has_settled_never_changes(detector: Detector, note: str, cuts: list[int]) -> None:
    mentions, until, result = stream(detector, note, chunks_of(note, cuts))
    final = [settled_part(m) for m in result.mentions if m.span.before(Span(until, until))]
    assert mentions == final


def test_single_code_points_settle_sentence_by_sentence(detector: Detector) -> None:
    note = "No fever. Chronic neuropathic pain of the left lower limb. History of hypertension.\n" * 6
    mentions, until, result = stream(detector, note, list(note))
    assert len(mentions) >= 12
    assert until > len(note) // 2
    assert mentions == [settled_part(m) for m in result.mentions][: len(mentions)]


def test_what_later_words_tell_changes_nothing_settled(detector: Detector) -> None:
    note = (
        "PAST MEDICAL HISTORY: reflux.\n" + "She feels well and walks every day.\n" * 6 + "MEDICATIONS: omeprazole.\n"
    )
    mentions, _, result = stream(detector, note, note.splitlines(keepends=True))
    assert mentions == [settled_part(m) for m in result.mentions]
    assert [a.code for a in result.assignments] == ["K21.9"]
