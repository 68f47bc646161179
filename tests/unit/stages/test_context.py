"""What the context stage says of mentions: one statement a test, as clinicians write it."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import spacy
from context_setup import judge, rules, stage
from markup import parse
from spacy.tokens import DocBin
from spacy.tokens import Span as SpacySpan

from detect_icd.model import CueCategory, Experiencer, Presence, Temporality
from detect_icd.spans import Span
from detect_icd.stages.context import ClinicalContext, ContextStage


@pytest.mark.parametrize(
    "example",
    [
        # "versus" and "and/or" doubt the mention beside them and no other
        r"[[Cardiomegaly]]{} with [[infiltrates]]{UNCERTAINTY} versus a small [[atelectasis]]{UNCERTAINTY}.",
        r"Small [[effusions]]{} with [[atelectasis]]{UNCERTAINTY} and/or [[scarring]]{UNCERTAINTY} and [[gallstones]]{}.",
        r"[[Pneumonia]]{UNCERTAINTY} versus [[atelectasis]]{UNCERTAINTY} or early [[edema]]{UNCERTAINTY} and [[effusion]]{}.",
        r"[[Gout]]{}, [[infiltrate]]{UNCERTAINTY} or [[scarring]]{UNCERTAINTY} versus [[atelectasis]]{UNCERTAINTY}.",
        # list heads
        r"No fever\n- [[diabetes]]{}",
        r"Negative for:\n- [[chest pain]]{NEGATION}\n- [[cough]]{NEGATION}\n\nShe has [[asthma]]{}.",
        r"Denies:\n[[fever]]{NEGATION}\n[[chills]]{NEGATION}\n\n[[Cough]]{} for a week.",
        r"Patient denies the following:\n\n1. [[fever]]{NEGATION}\n2. [[rash]]{NEGATION}\nTakes aspirin for [[angina]]{}.",
        r"Return if:\n* [[fever]]{HYPOTHETICAL}\n* [[vomiting]]{HYPOTHETICAL}",
        r"Differential diagnosis includes:\n- [[PE]]{UNCERTAINTY}\n- [[pneumonia]]{UNCERTAINTY}",
        r"Denies:\n- [[fever]]{NEGATION}\nReports:\n- [[cough]]{}",
        # lead-ins without a colon
        r"Advise ED if\n- [[fever]]{HYPOTHETICAL}\n- [[rash]]{HYPOTHETICAL}\n\n[[Asthma]]{} is stable.",
        r"Call if you develop\n1. [[fever]]{HYPOTHETICAL}\n2. [[rash]]{HYPOTHETICAL}",
        r"Seek help immediately for\n[[fever]]{HYPOTHETICAL}\n[[rash]]{HYPOTHETICAL}\n[[confusion]]{HYPOTHETICAL}",
        r"No evidence of\n- [[effusion]]{NEGATION}\n- [[edema]]{NEGATION}",
        r"Mother has\n- [[asthma]]{FAMILY:mother}",
        r"Findings may represent\n- [[atelectasis]]{UNCERTAINTY}\n- [[pneumonia]]{UNCERTAINTY}",
        r"Return for 1. [[fever]]{HYPOTHETICAL} 2. [[rash]]{HYPOTHETICAL}",
        r"No acute distress\n- [[hypertension]]{}",
        r"Smoking: denies\n- [[hypertension]]{}",
        r"Denies pain but has\n- [[nausea]]{}",
        # fields
        "[[Diabetes]]{NEGATION}: No",
        "[[Fever]]{NEGATION} (-)",
        "[[Fever]]{NEGATION} (-), [[cough]]{} (+)",
        "(-) [[fever]]{NEGATION} (+) [[cough]]{}",
        r"[[Diabetes]]{NEGATION}: no\n[[Hypertension]]{}: yes",
        "[[Murmur]]{NEGATION}: none.",
        r"[[Diabetes]]{NEGATION}: No\n[[Hypertension]]{} on lisinopril",
        "[[Diabetes]]{NEGATION}\tNo\n[[Hypertension]]{}\tYes",
        r"Any [[chest pain]]{NEGATION}? No\nAny [[fever]]{}? Yes\n",
        "[[Rash]]{NEGATION}, [[edema]]{NEGATION}, or [[fever]]{NEGATION} is absent.",
        "[[HIV]]{NEGATION}, [[hepatitis B]]{NEGATION} and C virus, and [[syphilis]]{NEGATION} were ruled out.",
        "[[Obesity]]{}, [[stroke]]{HISTORY} in 1990.",
        "[[Malignancy]]{NEGATION} (lymphoma) was ruled out.",
        "Likely from [[PE]]{UNCERTAINTY} not classic [[MI]]{NEGATION}.",
        "Serology: [[HIV]]{NEGATION}, [[syphilis]]{NEGATION} and [[measles]]{NEGATION} negative.",
        "Biopsy showed [[inflammation]]{}, [[malignancy]]{NEGATION} was ruled out.",
        "Has [[cough]]{}, [[fever]]{NEGATION} denied.",
        # ruling out
        "[[MI]]{NEGATION} was ruled out.",
        "We cannot rule out [[pneumonia]]{UNCERTAINTY}.",
        "[[Pneumonia]]{UNCERTAINTY} cannot be excluded.",
        "R/O [[sepsis]]{UNCERTAINTY}",
        "Ruled out for [[MI]]{NEGATION}.",
        "Troponins ruled her out for [[MI]]{NEGATION}.",
        "[[MI]]{UNCERTAINTY} is being ruled out.",
        "No cause for his [[anemia]]{} was found.",
        "He does not deny [[alcohol abuse]]{}.",
        # the turn of a sentence
        "He does not smoke and has [[COPD]]{}.",
        "Diabetes without [[ulcer]]{NEGATION}, with [[neuropathy]]{}.",
        "Not able to tolerate gabapentin for [[neuropathic pain]]{}.",
        "She denies [[cough]]{NEGATION}, [[fever]]{NEGATION}, or [[rash]]{NEGATION} but reports [[headache]]{}.",
        "No [[fever]]{NEGATION}. [[Cough]]{} present.",
        "No relief of [[back pain]]{} with physical therapy.",
        "[[Hypertension]]{} is not well controlled.",
        # history and its end
        "No history of [[stroke]]{NEGATION,HISTORY}.",
        "She no longer has [[asthma]]{RESOLVED}.",
        "Her [[pneumonia]]{RESOLVED} has resolved.",
        "[[Seizure]]{NEGATION}-free since the operation.",
        "Status post [[stroke]]{HISTORY}.",
        "H/o [[asthma]]{HISTORY}.",
        "[[Stroke]]{HISTORY} 5 years ago.",
        "[[Stroke]]{HISTORY} in 2005.",
        "[[Asthma]]{HISTORY} as a child.",
        r"PMH:\n- [[asthma]]{HISTORY}\n- [[gout]]{HISTORY}\n\nMeds: nil",
        "3 day history of [[cough]]{}.",
        "Discharge diagnosis: [[pneumonia]]{}, resolved [[sepsis]]{RESOLVED}.",
        r"Medical History (reviewed):\n- [[stroke]]{HISTORY}",
        "No [[fever]]{NEGATION} and physical examination showed [[pain]]{} on palpation.",
        # relatives
        r"FHx: [[gout]]{FAMILY}\nO/E [[wheeze]]{}",
        "Family history: mother had [[gout]]{FAMILY:mother}. The patient has [[cough]]{}.",
        "[[Gout]]{FAMILY:father}: father. [[Asthma]]{FAMILY:mother}: mother.",
        "Stepfather has [[tuberculosis]]{OTHER_PERSON}.",
        "Mother had [[breast cancer]]{FAMILY:mother}.",
        r"FAMILY HISTORY:\nMother with [[diabetes]]{FAMILY:mother}, father with [[gout]]{FAMILY:father}.",
        r"FHx: [[stroke]]{FAMILY}",
        "Mother reports [[fever]]{} since Monday.",
        "[[Colon cancer]]{FAMILY:aunt} in his maternal aunt.",
        "Her mother has dementia and the patient has [[migraine]]{}.",
        # what has not happened
        "Call if she develops [[fever]]{HYPOTHETICAL}.",
        "Return if [[fever]]{HYPOTHETICAL}.",
        "Monitor for [[bleeding]]{HYPOTHETICAL}.",
        "At risk of [[falls]]{HYPOTHETICAL}.",
        "Heparin for prophylaxis against [[DVT]]{HYPOTHETICAL}.",
        "CT to evaluate for [[PE]]{HYPOTHETICAL}.",
        # questions and guesses
        "?[[UTI]]{UNCERTAINTY}",
        "Imp: ? [[gout]]{UNCERTAINTY}",
        "[[Pneumonia]]{UNCERTAINTY} vs [[atelectasis]]{UNCERTAINTY}",
        "Likely [[viral infection]]{UNCERTAINTY}.",
        "Findings concerning for [[sepsis]]{UNCERTAINTY}.",
        "Rash consistent with [[shingles]]{UNCERTAINTY}.",
        "Any [[chest pain]]{NEGATION}? No.",
        # templates and shorthand
        "Cardiovascular: Denies [[chest pain]]{NEGATION}. Respiratory: Reports [[cough]]{}.",
        "[ ] [[fever]]{NEGATION} [x] [[cough]]{}",
        "nil [[fever]]{NEGATION}",
        "[[Murphy sign]]{NEGATION} -ve",
        # names that hold a cue
        "[[Migraine without aura]]{} for years.",
    ],
)
def test_a_statement_is_read_as_written(example: str) -> None:
    text, marks = parse(example)
    judgements = judge(text, [mark.span for mark in marks])
    found = [(frozenset(cue.category for cue in one.cues), one.assertion.relative) for one in judgements]
    assert found == [(mark.categories, mark.relative) for mark in marks]


def test_the_cue_is_quoted_where_it_stands() -> None:
    text = "Today: no neuropathic pain."
    (judgement,) = judge(text, [Span(10, 26)])
    (cue,) = judgement.cues
    assert (cue.text, cue.span, cue.category) == ("no", Span(7, 9), CueCategory.NEGATION)


def test_a_section_is_its_own_evidence() -> None:
    text = "FAMILY HISTORY: gout"
    (judgement,) = judge(text, [Span(16, 20)])
    assert [(cue.text, cue.category) for cue in judgement.cues] == [("FAMILY HISTORY:", CueCategory.FAMILY)]
    assert judgement.assertion.experiencer is Experiencer.FAMILY


def test_a_denied_mention_is_absent() -> None:
    (judgement,) = judge("No fever", [Span(3, 8)])
    assert judgement.assertion.presence is Presence.ABSENT


def test_a_resolved_mention_is_past_and_not_absent() -> None:
    (judgement,) = judge("Resolved pneumonia", [Span(9, 18)])
    assert (judgement.assertion.presence, judgement.assertion.temporality) == (Presence.PRESENT, Temporality.HISTORICAL)


def test_overlapping_mentions_are_judged_alike() -> None:
    judgements = judge("No acute renal failure", [Span(3, 22), Span(9, 22)])
    assert [one.assertion.presence for one in judgements] == [Presence.ABSENT, Presence.ABSENT]


def test_no_mentions_need_no_judgement() -> None:
    assert judge("No fever", []) == []


def test_unknown_words_do_not_grow_the_vocabulary() -> None:
    judge("No qwertyness", [Span(3, 13)])
    before = len(rules()._vocab), len(rules()._vocab.strings)
    judge("No zxcvbnosis of the plughole 1234567", [Span(3, 13)])
    assert (len(rules()._vocab), len(rules()._vocab.strings)) == before


def test_threads_share_a_stage() -> None:
    text = "No fever but cough. " * 50
    spans = [Span(at + 3, at + 8) for at in range(0, len(text), 20)]
    alone = judge(text, spans)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: judge(text, spans), range(16)))
    assert together == [alone] * 16


def doc_with(text: str, *words: str) -> spacy.tokens.Doc:
    doc = spacy.blank("en").make_doc(text)
    spans = [doc.char_span(text.index(word), text.index(word) + len(word), label="DX") for word in words]
    doc.ents = [span for span in spans if span is not None]
    return ClinicalContext(ContextStage(rules()))(doc)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("No fever.", "is_negated"),
        ("Possible fever.", "is_uncertain"),
        ("History of fever.", "is_historical"),
        ("Call if fever.", "is_hypothetical"),
        ("Mother had fever.", "is_family"),
        ("Roommate had fever.", "is_other"),
    ],
)
def test_the_component_sets_the_flag_of_an_entity(text: str, flag: str) -> None:
    (entity,) = doc_with(text, "fever").ents
    flags = ("is_negated", "is_uncertain", "is_historical", "is_hypothetical", "is_family", "is_other", "is_future")
    assert [name for name in flags if entity._.get(name)] == [flag]


def test_the_component_tells_the_cues() -> None:
    (entity,) = doc_with("No fever.", "fever").ents
    assert entity._.cues == [{"start": 0, "end": 2, "text": "No", "category": "NEGATION"}]


def test_a_judged_doc_can_be_stored() -> None:
    doc = doc_with("No fever.", "fever")
    stored = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    (again,) = DocBin().from_bytes(stored).get_docs(doc.vocab)
    assert again.ents[0]._.is_negated


def test_a_doc_without_entities_passes_through() -> None:
    assert not doc_with("Nothing here.").ents


def test_the_flags_of_an_unjudged_entity_are_false() -> None:
    doc = spacy.blank("en")("fever")
    assert not SpacySpan(doc, 0, 1)._.is_negated


def test_a_judgement_can_be_pickled() -> None:
    (judgement,) = judge("No fever", [Span(3, 8)])
    assert pickle.loads(pickle.dumps(judgement)) == judgement


def test_the_stage_tells_its_sections() -> None:
    assert stage().sections is rules().sections
